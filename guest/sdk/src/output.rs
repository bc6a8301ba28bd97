//! Answers, and what the manifest says of them: both from one type.

use schemars::JsonSchema;
use serde::Serialize;
use std::marker::PhantomData;

use crate::context::Context;
use crate::manifest::AnswerManifest;
use crate::read::condition;
use crate::refusal::Refusal;
use crate::request::Response;
use crate::schema;

/// The media type of what was asked for.
pub(crate) const JSON: &str = "application/json";
/// For events: may be kept, but has to be asked about each time.
pub(crate) const REVALIDATE: (&str, &str) = ("cache-control", "no-cache");
/// For tickets: they are personal.
pub(crate) const PRIVATE: (&str, &str) = ("cache-control", "no-store");

/// What a handler gives when all is well. The type alone says what the manifest has to say of it.
pub trait Output: Sized {
    /// What the manifest says of it, by `description`, a line from the route.
    fn answers(description: &str) -> Vec<AnswerManifest>;

    /// What the manifest says after the refusals: other forms of the same.
    #[must_use]
    fn other_answers(description: &str) -> Vec<AnswerManifest> {
        let _ = description;
        Vec::new()
    }

    /// The answer.
    fn into_response(self, cx: &Context<'_>) -> Result<Response, Refusal>;
}

/// A body of JSON. As an [`Output`], it is a 200 that nobody keeps; as an [`Input`](crate::Input), the request's body.
#[derive(Clone, Debug, PartialEq)]
pub struct Json<T>(
    /// What is written or was read.
    pub T,
);

impl<T: Serialize + JsonSchema> Output for Json<T> {
    fn answers(description: &str) -> Vec<AnswerManifest> {
        Reply::<T>::answers(description)
    }

    fn into_response(self, cx: &Context<'_>) -> Result<Response, Refusal> {
        Reply::<T>::new(self.0).personal().into_response(cx)
    }
}

/// A body of JSON with a status and headers of its own.
///
/// ```
/// use boxoffice_sdk::prelude::*;
///
/// fn accepted(place: u32) -> Reply<u32, 202> {
///     Reply::new(place).header("retry-after", "5").personal()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Reply<T, const STATUS: u16 = 200> {
    headers: Vec<(&'static str, String)>,
    body: T,
}

/// A 201: what was made, and where it is.
pub type Created<T> = Reply<T, 201>;

impl<T> Created<T> {
    /// What was made, and the path where it is to be found.
    #[must_use]
    pub fn at(location: impl Into<String>, body: T) -> Self {
        Self::new(body).header("location", location)
    }
}

impl<T, const STATUS: u16> Reply<T, STATUS> {
    /// An answer without headers but for its content type.
    #[must_use]
    pub fn new(body: T) -> Self {
        Self { headers: Vec::new(), body }
    }

    /// The same, with a header more. Its name is in lower case; `wit/handler.wit` lists which there can be.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same, to be kept only by who asks about it each time (`cache-control: no-cache`).
    #[must_use]
    pub fn revalidated(self) -> Self {
        self.header(REVALIDATE.0, REVALIDATE.1)
    }

    /// The same, to be kept by nobody (`cache-control: no-store`).
    #[must_use]
    pub fn personal(self) -> Self {
        self.header(PRIVATE.0, PRIVATE.1)
    }
}

impl<T: Serialize, const STATUS: u16> Reply<T, STATUS> {
    /// Writes it now, for who wants to know how large it is.
    pub fn write(self) -> Result<Written<T, STATUS>, Refusal> {
        let body =
            serde_json::to_vec(&self.body).map_err(|error| Refusal::failed(format_args!("No answer: {error}")))?;
        let mut headers = Vec::with_capacity(self.headers.len() + 1);
        headers.push(("content-type".to_owned(), JSON.to_owned()));
        headers.extend(self.headers.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Ok(Written { response: Response { status: STATUS, headers, body }, of: PhantomData })
    }
}

impl<T: Serialize + JsonSchema, const STATUS: u16> Output for Reply<T, STATUS> {
    fn answers(description: &str) -> Vec<AnswerManifest> {
        vec![AnswerManifest {
            status: STATUS,
            description: description.to_owned(),
            content_type: Some(JSON.to_owned()),
            schema: Some(schema::written::<T>()),
        }]
    }

    fn into_response(self, _: &Context<'_>) -> Result<Response, Refusal> {
        self.write().map(|written| written.response)
    }
}

/// A [`Reply`] that is written already.
pub struct Written<T, const STATUS: u16 = 200> {
    response: Response,
    of: PhantomData<T>,
}

impl<T, const STATUS: u16> Written<T, STATUS> {
    /// Bytes of its body.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.response.body.len()
    }
}

impl<T: Serialize + JsonSchema, const STATUS: u16> Output for Written<T, STATUS> {
    fn answers(description: &str) -> Vec<AnswerManifest> {
        Reply::<T, STATUS>::answers(description)
    }

    fn into_response(self, _: &Context<'_>) -> Result<Response, Refusal> {
        Ok(self.response)
    }
}

/// Done, and nothing to say: a 204.
#[derive(Clone, Copy, Debug)]
pub struct NoContent;

impl Output for NoContent {
    fn answers(description: &str) -> Vec<AnswerManifest> {
        vec![AnswerManifest { status: 204, description: description.to_owned(), content_type: None, schema: None }]
    }

    fn into_response(self, _: &Context<'_>) -> Result<Response, Refusal> {
        Ok(Response { status: 204, headers: Vec::new(), body: Vec::new() })
    }
}

/// An answer with an entity tag: a 304 without a body where `If-None-Match` names it.
pub struct Conditional<O> {
    etag: String,
    whole: O,
}

impl<T> Conditional<Reply<T>> {
    /// The body, to be kept by who asks about it each time, with its entity tag (in its quotes).
    #[must_use]
    pub fn new(etag: String, body: T) -> Self {
        Self { whole: Reply::new(body).header("etag", etag.clone()).revalidated(), etag }
    }
}

impl<O: Output> Output for Conditional<O> {
    fn answers(description: &str) -> Vec<AnswerManifest> {
        let not_modified = AnswerManifest {
            status: 304,
            description: format!("{description} is still what `If-None-Match` names"),
            content_type: None,
            schema: None,
        };
        [not_modified].into_iter().chain(O::answers(description)).collect()
    }

    fn into_response(self, cx: &Context<'_>) -> Result<Response, Refusal> {
        if condition::none_match(cx, &self.etag) {
            let headers = headers([("etag", self.etag.as_str()), REVALIDATE]);
            return Ok(Response { status: 304, headers, body: Vec::new() });
        }
        self.whole.into_response(cx)
    }
}

/// Headers as the contract has them.
pub(crate) fn headers<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
