//! `/openapi.json`: the active module's description, or that of a tester's choice, made once for each module.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::HeaderValue;

use super::tagged;
use crate::http::App;
use crate::openapi;
use crate::wasm::{Answer, Digest, Module};

/// Descriptions that are kept: of the active module, of a canary and of what testers look at besides. Each has some 100 KiB.
const KEPT: usize = 4;

/// The descriptions as they were last asked for, the latest made last.
#[derive(Debug, Default)]
pub(crate) struct Description(Mutex<VecDeque<Arc<Written>>>);

#[derive(Debug)]
struct Written {
    module: Digest,
    etag: HeaderValue,
    body: Bytes,
}

/// Of the tester's module, or of the one that serves everybody now: a canary's callers see it when it is theirs all.
pub(super) fn answer(app: &App, asked: &HeaderMap, testers: Option<&Arc<Module>>) -> Answer {
    let module = testers.map_or_else(|| Arc::clone(&app.registry.serving().active), Arc::clone);
    let written = app.description.of(app, &module);
    tagged(asked, &written.etag, "application/json", written.body.clone())
}

impl Description {
    fn of(&self, app: &App, module: &Module) -> Arc<Written> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(written) = known.iter().find(|written| written.module == module.digest) {
            return Arc::clone(written);
        }
        let document = openapi::document(&module.manifest, module.digest, app.auth.mode());
        let body = Bytes::from(serde_json::to_vec_pretty(&document).unwrap_or_default());
        // What the host adds changes only with the program, and how callers are known only with a restart.
        let etag = Digest::of(&body).to_string();
        let etag = HeaderValue::try_from(format!("\"{}\"", &etag[..16]));
        let etag = etag.unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        let written = Arc::new(Written { module: module.digest, etag, body });
        if known.len() >= KEPT {
            known.pop_front();
        }
        known.push_back(Arc::clone(&written));
        written
    }
}
