//! One request as the host saw it, and what came of it: for those who look at it afterwards, a shadow, a recorder, or whoever started a
//! throw-away host.

use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;

use crate::domain::{Principal, RegistrationLimits};
use crate::error::Error;
use crate::store::StoreFailure;
use crate::wasm::{Answer, Failure, GuestRequest, Module, Recording, Report, RunError};
use std::sync::Arc;

/// Looks at every routed request of a throw-away host, right after its answer is known and before it is sent. Must not block.
pub(crate) trait Observer: Send + Sync {
    /// One request, and what came of it.
    fn saw(&self, seen: &Arc<Seen>);

    /// One that reached no module: it was refused before, or asked for what the host answers itself.
    fn saw_unrouted(&self, _: Unrouted) {}
}

/// A request that reached no module.
pub(crate) struct Unrouted {
    pub(crate) method: hyper::Method,
    /// As the client sent it.
    pub(crate) path: String,
    /// As the client sent it.
    pub(crate) query: Option<String>,
    pub(crate) request_id: String,
    /// Names of the caller's roles, as far as those were known by then.
    pub(crate) roles: String,
    pub(crate) status: u16,
    /// Why; `None`: it was answered.
    pub(crate) refusal: Option<Refusal>,
    /// From its head to its answer.
    pub(crate) took_micros: u64,
}

impl Unrouted {
    /// Bytes, near enough, of what it holds: most of it is the client's.
    pub(crate) fn weight(&self) -> usize {
        let refusal = self.refusal.as_ref().map_or(0, |refusal| refusal.detail.len());
        size_of::<Self>() + self.path.len() + self.query.as_ref().map_or(0, String::len) + refusal
    }
}

/// A request that was routed.
pub(crate) struct Seen {
    pub(crate) method: hyper::Method,
    /// As the client sent it.
    pub(crate) path: String,
    /// As the client sent it.
    pub(crate) query: Option<String>,
    pub(crate) request_id: String,
    pub(crate) principal: Principal,
    /// What the host allows of a registration.
    pub(crate) registration: RegistrationLimits,
    /// What the guest's randomness came from.
    pub(crate) seed: u64,
    /// The module that was active.
    pub(crate) module: Arc<Module>,
    /// The route's id, if there was one.
    pub(crate) route: Option<String>,
    /// The run; `None`: the host answered before.
    pub(crate) ran: Option<Ran>,
    pub(crate) came: Came,
    /// From its head to its answer, which is yet to be sent.
    pub(crate) took_micros: u64,
}

/// A run of the rules.
pub(crate) struct Ran {
    pub(crate) request: GuestRequest,
    pub(crate) recording: Recording,
    /// CPU time that the guest used, instantiation included.
    pub(crate) guest_micros: u64,
    /// Whether its instance had served another request before: then what it did may hang on that one too.
    pub(crate) served_before: bool,
    /// Whether it failed for want of memory that others had taken.
    pub(crate) crowded_out: bool,
    pub(crate) used: Used,
}

/// What a run has used of its limits, beside its CPU time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) host_calls: u32,
    /// Bytes of those calls, both ways.
    pub(crate) host_bytes: usize,
    /// Bytes of its memories.
    pub(crate) memory_bytes: usize,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub(crate) enum Came {
    /// An answer: the module's, or the host's to `OPTIONS`.
    Answer(Answer),
    /// The run failed.
    Failed(Failure),
    /// The store could not say.
    StoreFailed(StoreFailure),
    /// The host refused before the module ran.
    Refused(Refusal),
}

/// What the host said instead of the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    /// The limit that the body was over.
    #[serde(skip)]
    pub(crate) limit: Option<usize>,
}

impl Refusal {
    pub(crate) fn of(error: &Error) -> Self {
        let limit = if let Error::BodyTooLarge { limit } = error { Some(*limit) } else { None };
        Self { status: error.status().as_u16(), code: error.code(), detail: error.detail(), limit }
    }
}

impl Came {
    /// Of what a run gave.
    pub(crate) fn of_run(result: &Result<Answer, RunError>) -> Self {
        match result {
            Ok(answer) => Self::Answer(answer.clone()),
            Err(RunError::Failed(failure)) => Self::Failed(failure.clone()),
            Err(RunError::Store(failure)) => Self::StoreFailed(failure.clone()),
            Err(RunError::Diverged) => Self::StoreFailed(StoreFailure::Internal("it was played back".to_owned())),
        }
    }

    /// Of what the host said by itself.
    pub(crate) fn of_host(answered: &Result<Answer, Error>) -> Self {
        match answered {
            Ok(answer) => Self::Answer(answer.clone()),
            Err(error) => Self::Refused(Refusal::of(error)),
        }
    }

    /// The body of the answer, empty where there is none.
    pub(crate) fn body(&self) -> Bytes {
        if let Self::Answer(answer) = self { answer.body.clone() } else { Bytes::new() }
    }

    /// Whether the module, the limits or the store failed, or the answer says so.
    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Self::Answer(answer) => answer.status >= StatusCode::INTERNAL_SERVER_ERROR,
            Self::Failed(_) | Self::StoreFailed(_) => true,
            Self::Refused(_) => false,
        }
    }
}

impl Ran {
    /// Takes what a run did out of its report; `None`: it was not recorded.
    pub(crate) fn of(request: GuestRequest, report: &mut Report) -> Option<Self> {
        let recording = report.recording.take()?;
        let Report { guest_micros, served_before, crowded_out, host_calls, host_bytes, memory_bytes, .. } = *report;
        let used = Used { host_calls, host_bytes, memory_bytes };
        Some(Self { request, recording, guest_micros, served_before, crowded_out, used })
    }
}

impl Seen {
    /// Bytes, near enough.
    pub(crate) fn weight(&self) -> usize {
        let query = self.query.as_ref().map_or(0, String::len);
        let ran = self.ran.as_ref().map_or(0, |ran| ran.request.body.len() + ran.recording.weight());
        size_of::<Self>() + self.path.len() * 2 + query * 2 + ran + self.came.body().len()
    }
}
