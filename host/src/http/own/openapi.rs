//! `/openapi.json`: what there is.

use hyper::HeaderMap;

use super::tagged;
use crate::http::App;
use crate::wasm::Answer;

/// Of the module that serves everybody now: a canary's callers see it when it is theirs all.
pub(super) fn answer(app: &App, asked: &HeaderMap) -> Answer {
    let serving = app.registry.serving();
    let written = serving.active.described.with(app.auth.mode());
    tagged(asked, &written.etag, "application/json", written.body.clone())
}
