//! A guest's answer, checked before anybody sees it.

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use super::bindings::exports::boxoffice::rules::handler::Response;
use super::failure::{Cause, Failure};
use super::limits::Limits;

/// What a guest may set. Everything else is the host's: framing, connection, security and identity.
const ALLOWED: [&str; 13] = [
    "allow",
    "cache-control",
    "content-disposition",
    "content-language",
    "content-type",
    "etag",
    "idempotency-replayed",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "vary",
    "warning",
];

/// Beginnings of extension headers that are not for the client: a proxy in front of the host is told by them to send another answer, for
/// example one of its own files.
const FOR_PROXIES: [&str; 5] = ["x-accel-", "x-litespeed-", "x-lighttpd-", "x-reproxy-", "x-sendfile"];

/// Most bytes of a header's name. The longest that a module may set, `idempotency-replayed`, has 20.
const MAX_NAME: usize = 64;

/// An answer within the contract's limits.
#[derive(Debug, Clone)]
pub struct Answer {
    /// 200 to 599.
    pub status: StatusCode,
    /// Only such as a guest may set.
    pub headers: HeaderMap,
    /// Empty where HTTP allows none.
    pub body: Bytes,
}

impl Answer {
    /// Checks what a guest answered.
    pub(super) fn check(said: Response, limits: &Limits) -> Result<Self, Failure> {
        let status = StatusCode::from_u16(said.status).ok().filter(|status| (200..600).contains(&status.as_u16()));
        let status = status.ok_or_else(|| refuse(format!("the status {} is not 200 to 599", said.status)))?;
        if said.body.len() > limits.answer_bytes {
            let most = limits.answer_bytes;
            return Err(refuse(format!("its body has {} bytes, more than {most}", said.body.len())));
        }
        let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::RESET_CONTENT);
        if bodiless && !said.body.is_empty() {
            return Err(refuse(format!("it has a body, and {status} has none")));
        }
        Ok(Self { status, headers: headers(said.headers, limits)?, body: said.body.into() })
    }
}

fn headers(said: Vec<(String, String)>, limits: &Limits) -> Result<HeaderMap, Failure> {
    if said.len() > limits.answer_headers {
        return Err(refuse(format!("it has {} headers, more than {}", said.len(), limits.answer_headers)));
    }
    // Room for the host's own, so that the map does not grow twice.
    let mut headers = HeaderMap::with_capacity(said.len() + 4);
    for (name, value) in said {
        if name.len() > MAX_NAME {
            return Err(refuse(format!("the name of a header has {} bytes, more than {MAX_NAME}", name.len())));
        }
        let for_proxies = FOR_PROXIES.iter().any(|beginning| name.starts_with(beginning));
        let extension = name.starts_with("x-") && name != "x-request-id" && !for_proxies;
        if !ALLOWED.contains(&name.as_str()) && !extension {
            return Err(refuse(format!("the header {name:?} is not a module's to set")));
        }
        // from_static's rules, without its panic: lower case, as the contract has it.
        let Ok(name) = HeaderName::from_lowercase(name.as_bytes()) else {
            return Err(refuse(format!("the header {name:?} is not a valid name in lower case")));
        };
        if value.len() > limits.answer_header_bytes {
            let most = limits.answer_header_bytes;
            return Err(refuse(format!("the value of {name} has {} bytes, more than {most}", value.len())));
        }
        let Ok(value) = HeaderValue::try_from(value) else {
            return Err(refuse(format!("the value of the header {name:?} is not valid")));
        };
        headers.append(name, value);
    }
    Ok(headers)
}

fn refuse(what: String) -> Failure {
    Failure::new(Cause::BadResponse, what)
}
