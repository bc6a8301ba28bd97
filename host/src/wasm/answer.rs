//! A guest's answer, checked before anybody sees it.

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use super::bindings::exports::boxoffice::rules::handler::Response;
use super::failure::{Cause, Failure};

/// Most bytes of an answer's body.
const MAX_BODY: usize = 1024 * 1024;
/// Most headers of an answer.
const MAX_HEADERS: usize = 32;
/// Most bytes of one header's value.
const MAX_VALUE: usize = 4096;

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
    pub(super) fn check(said: Response) -> Result<Self, Failure> {
        let status = StatusCode::from_u16(said.status).ok().filter(|status| (200..600).contains(&status.as_u16()));
        let status = status.ok_or_else(|| refuse(format!("the status {} is not 200 to 599", said.status)))?;
        if said.body.len() > MAX_BODY {
            return Err(refuse(format!("its body has {} bytes, more than {MAX_BODY}", said.body.len())));
        }
        let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::RESET_CONTENT);
        if bodiless && !said.body.is_empty() {
            return Err(refuse(format!("it has a body, and {status} has none")));
        }
        Ok(Self { status, headers: headers(said.headers)?, body: said.body.into() })
    }
}

fn headers(said: Vec<(String, String)>) -> Result<HeaderMap, Failure> {
    if said.len() > MAX_HEADERS {
        return Err(refuse(format!("it has {} headers, more than {MAX_HEADERS}", said.len())));
    }
    // Room for the host's own, so that the map does not grow twice.
    let mut headers = HeaderMap::with_capacity(said.len() + 4);
    for (name, value) in said {
        let extension = name.starts_with("x-") && name != "x-request-id";
        if !ALLOWED.contains(&name.as_str()) && !extension {
            return Err(refuse(format!("the header {name:?} is not a module's to set")));
        }
        // from_static's rules, without its panic: lower case, as the contract has it.
        let (Ok(name), true) = (HeaderName::from_lowercase(name.as_bytes()), value.len() <= MAX_VALUE) else {
            return Err(refuse(format!(
                "the header {name:?} is not valid in lower case, or longer than {MAX_VALUE} bytes"
            )));
        };
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
