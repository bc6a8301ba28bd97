//! Which web pages may call the API (CORS, as the Fetch standard has it).
//!
//! Nothing is ever allowed with credentials (`Access-Control-Allow-Credentials`): callers are known by a header that the page itself sets,
//! never by cookies, so a page can do no more than whoever has the token could without it.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, HeaderValue, ORIGIN,
    VARY,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};

use super::response::HttpResponse;
use crate::error::Error;

/// What a page may send besides what any may.
const SENT: &str = "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id";
/// The same, where the role is a header.
const SENT_WITH_ROLE: &str =
    "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id, x-role";
/// What a page may read of an answer besides what any may.
const READ: HeaderValue = HeaderValue::from_static(
    "etag, location, link, retry-after, ratelimit, ratelimit-policy, x-request-id, idempotency-replayed, \
     www-authenticate",
);
/// How long a browser keeps the answer to its question, in seconds. What is allowed changes with a restart or another module: both are
/// seen by every page after ten minutes.
const KEPT: HeaderValue = HeaderValue::from_static("600");

/// The origins whose pages may call the API.
#[derive(Debug, Clone)]
pub(crate) struct Cors {
    origins: Vec<HeaderValue>,
    /// The headers that they may send.
    sent: HeaderValue,
}

impl Cors {
    /// For these origins, checked by the configuration; `None`: no page may, and answers say nothing about it.
    pub(crate) fn new(origins: &[String], header_roles: bool) -> Option<Self> {
        let sent = HeaderValue::from_static(if header_roles { SENT_WITH_ROLE } else { SENT });
        let origins: Vec<_> = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
        (!origins.is_empty()).then_some(Self { origins, sent })
    }

    /// The origin of the page that asks, if pages of it may. Compared byte by byte: browsers write an origin in one way only.
    fn allowed<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let mut values = headers.get_all(ORIGIN).iter();
        values.next().filter(|origin| values.next().is_none() && self.origins.contains(origin))
    }

    /// A stranger's page is told at the first question that it may not, whatever it asks about.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), Error> {
        let refused = is_preflight(parts) && self.allowed(&parts.headers).is_none();
        if refused { Err(Error::OriginNotAllowed) } else { Ok(()) }
    }

    /// Adds to an answer what the page's browser needs to know; answers to others say only that they depend on who asks.
    pub(crate) fn dress(&self, parts: &Parts, answer: &mut HttpResponse) {
        let granted = answer.status() == StatusCode::NO_CONTENT && is_preflight(parts);
        let headers = answer.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.allowed(&parts.headers) else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if !granted {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, READ);
        } else if let Some(methods) = headers.get(ALLOW).cloned() {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.sent.clone());
            headers.insert(ACCESS_CONTROL_MAX_AGE, KEPT);
        }
    }
}

/// Whether a browser asks what a page may, before it lets it.
fn is_preflight(parts: &Parts) -> bool {
    let asks = |name| parts.headers.contains_key(name);
    parts.method == Method::OPTIONS && asks(ORIGIN) && asks(ACCESS_CONTROL_REQUEST_METHOD)
}
