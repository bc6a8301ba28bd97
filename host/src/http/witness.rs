//! Who looks at a request afterwards: the shadow, the recorder, and whoever started a throw-away host.

use std::sync::Arc;

use hyper::http::request::Parts;

use super::access_log::Entry;
use super::{App, Trace, Turn};
use crate::domain::Principal;
use crate::error::Error;
use crate::recorder::Recorder;
use crate::seen::{Came, Observer, Refusal, Seen, Unrouted};
use crate::shadow::Shadow;
use crate::wasm::{Answer, Module};

/// Those who look at one request. Where there is nobody, nothing is copied for them.
pub(super) struct Witness {
    shadow: Option<Arc<Shadow>>,
    recorder: Option<Arc<Recorder>>,
    observer: Option<Arc<dyn Observer>>,
}

/// Shows the host's own answers to whoever looks at all requests; those to routed ones are shown by [`Witness::tell`].
pub(super) fn tell_unrouted(
    app: &App,
    parts: &Parts,
    request_id: &str,
    entry: &Entry<'_>,
    answered: &Result<Answer, Error>,
) {
    let Some(observer) = app.observer.as_ref().filter(|_| !entry.has_module()) else { return };
    let refusal = answered.as_ref().err().map(Refusal::of);
    let status = answered.as_ref().map_or_else(Error::status, |answer| answer.status);
    observer.saw_unrouted(Unrouted {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        request_id: request_id.to_owned(),
        roles: entry.roles().to_owned(),
        status: status.as_u16(),
        refusal,
        took_micros: entry.micros(),
    });
}

impl Witness {
    /// Asks them before the run: a shadow that is too busy does not look.
    pub(super) fn of(app: &App, shadow: Option<&Arc<Shadow>>) -> Self {
        let shadow = shadow.cloned().filter(|shadow| {
            let room = shadow.has_room();
            if !room {
                shadow.pass_over();
            }
            room
        });
        Self { shadow, recorder: app.recorder.clone(), observer: app.observer.clone() }
    }

    /// Whether anybody looks.
    pub(super) fn is_there(&self) -> bool {
        self.shadow.is_some() || self.recorder.is_some() || self.observer.is_some()
    }

    /// Shows them what came of it. The request itself changes hands; of the answer only the head is copied.
    pub(super) fn tell(
        self,
        turn: &Turn<'_>,
        parts: &Parts,
        module: &Arc<Module>,
        principal: Principal,
        trace: Trace,
        answered: &Result<Answer, Error>,
    ) {
        if !self.is_there() {
            return;
        }
        let seen = Arc::new(Seen {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            request_id: turn.request_id.to_owned(),
            principal,
            registration: turn.app.registration,
            seed: turn.seed,
            module: Arc::clone(module),
            route: trace.route,
            ran: trace.ran,
            came: trace.came.unwrap_or_else(|| Came::of_host(answered)),
            took_micros: trace.took_micros,
        });
        if let Some(recorder) = self.recorder {
            recorder.offer(&seen, turn.app.clock.now());
        }
        if let Some(observer) = self.observer {
            observer.saw(&seen);
        }
        if let Some(shadow) = self.shadow {
            shadow.offer(seen);
        }
    }
}
