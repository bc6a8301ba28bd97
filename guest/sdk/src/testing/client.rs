//! A caller of the rules, and the answers it gets.

use serde_json::Value;

use super::app::App;
use super::mock::Mock;
use super::state::Caller;
use crate::request::Response;
use crate::rules::Rules;

/// The headers that the host passes on.
pub(super) const FOR_GUEST: [&str; 5] = ["accept", "content-type", "idempotency-key", "if-match", "if-none-match"];

/// Somebody who sends requests. [`App::user`] and its neighbours give one.
pub struct Client<'a, R> {
    pub(super) app: &'a App<R>,
    pub(super) caller: Caller,
}

impl<'a, R: Rules> Client<'a, R> {
    /// Sends a GET. The path may have a query.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// Sends a POST with a body of JSON.
    #[expect(clippy::must_use_candidate, reason = "most tests set the stage by some")]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send()
    }

    /// Sends a PUT with a body of JSON.
    #[expect(clippy::must_use_candidate, reason = "as above")]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.request("PUT", path).json(body).send()
    }

    /// Sends a PATCH with a body of JSON.
    #[expect(clippy::must_use_candidate, reason = "as above")]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.request("PATCH", path).json(body).send()
    }

    /// Sends a DELETE.
    #[expect(clippy::must_use_candidate, reason = "as above")]
    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path).send()
    }

    /// A request of any method, to be completed and sent.
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> Call<'a, R> {
        let sent = Sent { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() };
        Call { app: self.app, caller: self.caller.clone(), sent }
    }

    /// The host functions themselves, as this caller has them.
    #[must_use]
    pub fn host(&self) -> Mock {
        Mock::new(self.app.state.clone(), self.caller.clone())
    }
}

/// A request as it is sent.
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// A request in the making.
pub struct Call<'a, R> {
    app: &'a App<R>,
    caller: Caller,
    sent: Sent,
}

impl<R: Rules> Call<'_, R> {
    /// Adds a header. Only those that the host passes on reach the rules.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if FOR_GUEST.contains(&name.as_str()) {
            self.sent.headers.push((name, value.to_owned()));
        }
        self
    }

    /// With this idempotency key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With a body of JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string()).header("content-type", "application/json")
    }

    /// With any body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.sent.body = body.into();
        self
    }

    /// Sends it.
    #[expect(clippy::must_use_candidate, reason = "most tests set the stage by some")]
    pub fn send(self) -> Answer {
        self.app.answer(&self.caller, self.sent)
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    pub(super) fn of(response: Response) -> Self {
        Self { status: response.status, headers: response.headers, body: response.body }
    }

    /// The value of a header; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The `code` of a problem; empty where there is none.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}
