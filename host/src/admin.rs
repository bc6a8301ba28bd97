//! The operator's surface, on its own listener. Never runs the guest.
//!
//! `/healthz`, `/readyz` and `/metrics` answer everybody who reaches it. What is under `/v1/` is the operator's alone, which is decided
//! before the path is looked at and before any of a body is read.

mod access;
mod action;
mod answer;
mod keys;
mod modules;
mod route;
mod upload;

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::http::request::{self, Discard};
use crate::http::{App, HttpResponse, Reply, panic_message, plain};
use crate::metrics::{METRICS_TYPE, scrape};
use access::Access;
use action::Action;
use answer::Trouble;
use route::Route;

/// Under which the operator's own routes are.
const OPERATORS: &str = "/v1";

/// What the surface needs, beside what requests need.
pub(crate) struct Admin {
    app: Arc<App>,
    access: Access,
    /// One proof of the invariants at a time: it reads everything.
    proving: Arc<Semaphore>,
    upload_timeout: Duration,
}

impl Admin {
    pub(crate) fn new(app: Arc<App>, upload_timeout: Duration) -> Self {
        let access = Access::of(app.operator.clone(), Arc::clone(&app.clock));
        Self { app, access, proving: Arc::new(Semaphore::new(1)), upload_timeout }
    }
}

/// Answers one request.
pub(crate) async fn respond(admin: Arc<Admin>, peer: IpAddr, request: Request<Incoming>) -> HttpResponse {
    let path = request.uri().path();
    let is_health = matches!(path, "/healthz" | "/readyz" | "/metrics");
    if is_health && matches!(*request.method(), Method::GET | Method::HEAD) {
        return health(&admin.app, path).await;
    }
    let (parts, mut body) = request.into_parts();
    let request_id = request_id(&admin.app, &parts);
    let mut action = Action::begin(peer, &request_id);
    let served = AssertUnwindSafe(admin.serve(&parts, &mut body, &mut action)).catch_unwind().await;
    let served = served.unwrap_or_else(|panic| Err(Error::Internal(panic_message(panic.as_ref())).into()));
    let reply = match served {
        Ok(reply) => reply,
        Err(trouble) => {
            action.failed(&trouble);
            let whole = match trouble.discard() {
                Some(limits) => request::discard(&parts.headers, &mut body, limits).await,
                None => false,
            };
            trouble.reply(&request_id).close_unless(whole)
        }
    };
    let response = reply.finish(&request_id, None);
    action.answered(response.status());
    response
}

fn request_id(app: &App, parts: &Parts) -> String {
    let given = request::sane_id(&parts.headers).map(str::to_owned);
    given.unwrap_or_else(|| app.ids.lock().unwrap_or_else(PoisonError::into_inner).next(app.clock.now()))
}

/// `/healthz` (the process lives), `/readyz` (it takes new requests) and `/metrics` (for Prometheus).
async fn health(app: &App, path: &str) -> HttpResponse {
    match path {
        "/metrics" => metrics(app).await,
        "/readyz" if app.drain.has_begun() => plain(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"shutting_down"}"#),
        "/readyz" => plain(StatusCode::OK, r#"{"status":"ready"}"#),
        _ => plain(StatusCode::OK, r#"{"status":"ok"}"#),
    }
}

async fn metrics(app: &App) -> HttpResponse {
    let mut answer = Response::new(scrape(app).await.into());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(METRICS_TYPE));
    answer
}

impl Admin {
    async fn serve(&self, parts: &Parts, body: &mut Incoming, action: &mut Action) -> Result<Reply, Trouble> {
        let path = parts.uri.path();
        let is_operators = path.strip_prefix(OPERATORS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !is_operators {
            return Err(match path {
                "/healthz" | "/readyz" | "/metrics" => Error::MethodNotAllowed { allow: "GET, HEAD".into() },
                _ => Error::RouteNotFound,
            }
            .into());
        }
        self.access.check(&parts.headers, action.peer())?;
        request::check_head(parts)?;
        let route = Route::of(&parts.method, path)?;
        action.is(&route);
        // A change that has begun has the grace to end; none begins after that.
        let in_flight = self.app.drain.enter();
        if route.is_change() && in_flight.is_none() {
            return Err(Error::ShuttingDown.into());
        }
        match route {
            Route::List => self.list().await,
            Route::Show(asked) => self.show(asked).await,
            Route::Upload => self.upload(parts, body, action).await,
            Route::Activate(asked) => self.activate(asked, parts, body, action).await,
            Route::Delete(asked) => self.delete(asked, parts, body, action).await,
            Route::RollBack => self.roll_back(parts, body, action).await,
            Route::Invariants => self.invariants().await,
            Route::Keys => self.list_keys(parts).await,
            Route::CreateKey => self.create_key(parts, body, action).await,
            Route::ShowKey(id) => self.show_key(id).await,
            Route::RevokeKey(id) => self.revoke_key(id, parts, body, action).await,
        }
    }
}

impl Discard {
    /// Of what an operator sends: a module that is too large, or comes at the wrong time, is read to its end, so that a client that
    /// only reads when it has written sees why.
    const OF_AN_OPERATOR: Self = Self { bytes: 4 * crate::wasm::MAX_COMPONENT, timeout: Duration::from_secs(10) };
}
