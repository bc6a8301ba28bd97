//! The operator's surface, on its own listener. Never runs the guest.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::http::{App, HttpResponse, plain};
use crate::metrics::{METRICS_TYPE, scrape};

/// Answers `/healthz` (the process lives), `/readyz` (it takes new requests) and `/metrics` (for Prometheus).
pub(crate) async fn respond(app: Arc<App>, request: Request<Incoming>) -> HttpResponse {
    let path = request.uri().path();
    if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
        return plain(StatusCode::NOT_FOUND, r#"{"code":"route_not_found"}"#);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, r#"{"code":"method_not_allowed"}"#);
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    if path == "/metrics" {
        return metrics(&app).await;
    }
    if path == "/readyz" && app.drain.has_begun() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"shutting_down"}"#);
    }
    plain(StatusCode::OK, if path == "/readyz" { r#"{"status":"ready"}"# } else { r#"{"status":"ok"}"# })
}

async fn metrics(app: &App) -> HttpResponse {
    let mut answer = Response::new(scrape(app).await.into());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(METRICS_TYPE));
    answer
}
