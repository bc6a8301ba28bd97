//! `/openapi.json`: what there is.

use std::sync::Arc;

use hyper::HeaderMap;

use super::tagged;
use crate::http::App;
use crate::wasm::{Answer, Module};

/// Of the tester's module, or of the one that serves everybody now: a canary's callers see it when it is theirs all.
pub(super) fn answer(app: &App, asked: &HeaderMap, testers: Option<&Arc<Module>>) -> Answer {
    let module = testers.map_or_else(|| Arc::clone(&app.registry.serving().active), Arc::clone);
    let written = module.described.with(app.auth.mode());
    tagged(asked, &written.etag, "application/json", written.body.clone())
}
