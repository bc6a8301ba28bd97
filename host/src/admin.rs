//! The operator's surface, on its own listener. Never runs the guest.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::http::{App, plain};

/// Answers `/healthz` (the process lives) and `/readyz` (it takes new requests).
pub(crate) fn respond(app: &Arc<App>, request: &Request<Incoming>) -> Response<http_body_util::Full<bytes::Bytes>> {
    let path = request.uri().path();
    if !matches!(path, "/healthz" | "/readyz") {
        return plain(StatusCode::NOT_FOUND, r#"{"code":"route_not_found"}"#);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, r#"{"code":"method_not_allowed"}"#);
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    if path == "/readyz" && app.drain.has_begun() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"shutting_down"}"#);
    }
    plain(StatusCode::OK, if path == "/readyz" { r#"{"status":"ready"}"# } else { r#"{"status":"ok"}"# })
}
