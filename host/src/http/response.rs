//! From an answer or an error to HTTP.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, InvalidHeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use hyper::{HeaderMap, Method, Response, StatusCode};

use super::request::PATCH_TYPES;
use crate::auth::CredentialRefusal;
use crate::error::{Error, Problem, whole_seconds};
use crate::limiter::{RateLimit, Standing};
use crate::wasm::Answer;

/// What hyper sends.
pub(crate) type HttpResponse = Response<Full<Bytes>>;

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A response in the making.
pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    pub(super) fn from_answer(answer: Answer) -> Self {
        Self { status: answer.status, headers: answer.headers, body: answer.body }
    }

    pub(crate) fn from_error(error: &Error, request_id: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, PROBLEM);
        if let Some(span) = error.retry_after() {
            headers.insert(RETRY_AFTER, whole_seconds(span).into());
        }
        match error {
            Error::MethodNotAllowed { allow } => {
                if let Ok(allow) = HeaderValue::from_str(allow) {
                    headers.insert(ALLOW, allow);
                }
            }
            Error::Unauthenticated(refusal) => {
                headers.insert(WWW_AUTHENTICATE, challenge(*refusal));
            }
            Error::RateLimited { limit, standing } => rate_limit_headers(&mut headers, *limit, *standing),
            _ => {}
        }
        Self { status: error.status(), headers, body: error.problem(request_id) }
    }

    /// An answer of the operator's surface, in JSON.
    pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self { status, headers, body: body.into() }
    }

    /// A refusal of the operator's surface.
    pub(crate) fn problem(problem: &Problem<'_>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, PROBLEM)]);
        Self { status: problem.status, headers, body: problem.body() }
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Tells the client that the connection ends with this answer, unless the request was read to its end: hyper closes then anyway.
    pub(crate) fn close_unless(mut self, whole: bool) -> Self {
        if !whole {
            self.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self
    }

    /// Adds what every answer has. The host's headers win over the guest's.
    pub(crate) fn finish(mut self, request_id: &str, standing: Option<(RateLimit, Standing)>) -> HttpResponse {
        if let Ok(id) = HeaderValue::from_str(request_id) {
            self.headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        self.headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
        // Answers are about people and seats: nobody keeps one unless the module says so.
        self.headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
        if let Some((limit, standing)) = standing {
            rate_limit_headers(&mut self.headers, limit, standing);
        }
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// `WWW-Authenticate` (RFC 6750, 3).
fn challenge(refusal: Option<CredentialRefusal>) -> HeaderValue {
    const PLAIN: HeaderValue = HeaderValue::from_static("Bearer realm=\"boxoffice\"");
    let Some(refusal) = refusal else { return PLAIN };
    let advice = refusal.advice();
    let text = format!("Bearer realm=\"boxoffice\", error=\"invalid_token\", error_description=\"{advice}\"");
    HeaderValue::try_from(text).unwrap_or(PLAIN)
}

/// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
fn rate_limit_headers(headers: &mut HeaderMap, limit: RateLimit, standing: Standing) {
    let policy = format!("\"default\";q={};w={}", limit.requests, whole_seconds(limit.window));
    let state = format!("\"default\";r={};t={}", standing.remaining, whole_seconds(standing.reset));
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// What a refusal says of the method besides: which bodies a PATCH may have, to whoever sent another (RFC 5789, 2.2).
pub(super) fn of_method(reply: Reply, error: &Error, method: &Method) -> Reply {
    match (error, accept_patch()) {
        (Error::UnsupportedMediaType, Ok(types)) if *method == Method::PATCH => reply.header(ACCEPT_PATCH, types),
        _ => reply,
    }
}

fn accept_patch() -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::try_from(PATCH_TYPES.join(", "))
}

/// Tells a tester which version answered.
pub(super) fn name_module(answer: &mut Answer, digest: &str) {
    if let Ok(digest) = HeaderValue::from_str(digest) {
        answer.headers.insert(HeaderName::from_static("x-boxoffice-rules"), digest);
    }
}

/// The answer to `OPTIONS` of a path.
pub(super) fn options(allow: &str) -> Answer {
    let mut headers = HeaderMap::new();
    // RFC 5789, 3.1: whoever asks what there is is told what a patch may be.
    if allow.split(", ").any(|method| method == Method::PATCH.as_str())
        && let Ok(types) = accept_patch()
    {
        headers.insert(ACCEPT_PATCH, types);
    }
    if let Ok(allow) = HeaderValue::from_str(allow) {
        headers.insert(ALLOW, allow);
    }
    Answer { status: StatusCode::NO_CONTENT, headers, body: Bytes::new() }
}

/// A JSON answer of the operator's surface.
pub(crate) fn plain(status: StatusCode, body: &'static str) -> HttpResponse {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}
