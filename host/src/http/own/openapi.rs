//! `/openapi.json`: the active module's description, made once for each module.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::HeaderValue;

use super::tagged;
use crate::http::App;
use crate::openapi;
use crate::wasm::{Answer, Digest};

/// The description as it was last asked for.
#[derive(Debug, Default)]
pub(crate) struct Description(Mutex<Option<Arc<Written>>>);

#[derive(Debug)]
struct Written {
    module: Digest,
    etag: HeaderValue,
    body: Bytes,
}

/// Of the module that serves everybody now: a canary's callers see it when it is theirs all.
pub(super) fn answer(app: &App, asked: &HeaderMap) -> Answer {
    let written = app.description.of(app);
    tagged(asked, &written.etag, "application/json", written.body.clone())
}

impl Description {
    fn of(&self, app: &App) -> Arc<Written> {
        let module = Arc::clone(&app.registry.serving().active);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(written) = known.as_ref().filter(|written| written.module == module.digest) {
            return Arc::clone(written);
        }
        let document = openapi::document(&module.manifest, module.digest, app.auth.mode());
        let body = Bytes::from(serde_json::to_vec_pretty(&document).unwrap_or_default());
        // What the host adds changes only with the program, and how callers are known only with a restart.
        let etag = Digest::of(&body).to_string();
        let etag = HeaderValue::try_from(format!("\"{}\"", &etag[..16]));
        let etag = etag.unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        let written = Arc::new(Written { module: module.digest, etag, body });
        *known = Some(Arc::clone(&written));
        written
    }
}
