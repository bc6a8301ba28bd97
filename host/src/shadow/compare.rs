//! What the active module did and what the candidate did: the same, or not.

use serde_json::{Value, json};

use super::example::Kind;
use super::mask::{masked, without_cut_end};
use crate::difference::{Bodies, as_json, came_as_json, first_difference, short, told};
use crate::seen::{Came, Seen};
use crate::wasm::{CallDifference, Failure, Played};

/// What the candidate did.
pub(super) enum Side {
    /// The host answered before it ran.
    Came(Came),
    /// It would have run, where the host refused for the active one, and the body was never read.
    WouldRun { route: String, limit: usize },
    /// It ran.
    Ran { came: Came, played: Played },
    /// It found no room, or no time.
    NoRoom,
}

impl Side {
    /// The route, where the candidate alone has one.
    pub(super) fn route(&self) -> Option<&str> {
        if let Self::WouldRun { route, .. } = self { Some(route) } else { None }
    }

    /// Reads that may have seen another state than the active run's.
    pub(super) fn later_reads(&self) -> u32 {
        if let Self::Ran { played, .. } = self { played.later_reads } else { 0 }
    }
}

/// What is to be counted.
pub(super) enum Verdict {
    /// There is nothing to compare.
    Skip,
    /// The candidate had no room.
    Drop,
    Same,
    Different(Difference),
}

/// The first difference, not masked yet.
pub(super) struct Difference {
    pub(super) kind: Kind,
    /// In words.
    pub(super) what: String,
    pub(super) active: Value,
    pub(super) candidate: Value,
}

pub(super) fn compare(seen: &Seen, side: &Side) -> Verdict {
    match side {
        Side::NoRoom => Verdict::Drop,
        Side::WouldRun { limit, .. } => would_run(seen, side, *limit),
        Side::Came(candidate) => match (&seen.came, candidate) {
            (Came::Refused(active), Came::Refused(candidate)) if active == candidate => Verdict::Same,
            // What is wrong with the request is wrong for any module that has a route for it.
            (active, candidate) => match came_difference(active, candidate) {
                Some(what) => different(Kind::Route, what, shown(active), shown(candidate)),
                None => Verdict::Same,
            },
        },
        Side::Ran { came, played } => ran(seen, came, played),
    }
}

/// The host refused for the active module.
fn would_run(seen: &Seen, side: &Side, limit: usize) -> Verdict {
    let Came::Refused(active) = &seen.came else { return Verdict::Skip };
    match active.code {
        "route_not_found" | "method_not_allowed" | "forbidden" => {}
        "body_too_large" if active.limit < Some(limit) => {}
        // Wrong whatever the module: the body, the query, a header.
        "body_too_large" | "invalid_request" | "unsupported_media_type" | "request_timeout" => return Verdict::Same,
        _ => return Verdict::Skip,
    }
    let what = format!("the host answered {}, and would have run the candidate", active.code);
    let candidate = json!({"would_run": side.route(), "body_limit": limit});
    different(Kind::Route, what, shown(&seen.came), candidate)
}

fn ran(seen: &Seen, candidate: &Came, played: &Played) -> Verdict {
    let active = &seen.came;
    let call = played.difference.as_deref();
    if let Some(CallDifference { number, recorded, now: Some(wanted) }) = call {
        let what = match recorded {
            Some(recorded) => format!("write {number}: {} and {} differ", recorded.function(), wanted.function),
            None => format!("write {number}: {} is one more", wanted.function),
        };
        return different(Kind::Write, what, as_json(recorded), as_json(wanted));
    }
    if let Some(what) = failure_difference(active, candidate) {
        return different(Kind::Failure, what, shown(active), shown(candidate));
    }
    if let Some(CallDifference { number, recorded: Some(recorded), now: None }) = call {
        let what = format!("write {number}: {} is missing", recorded.function());
        return different(Kind::MissingWrite, what, as_json(recorded), shown(candidate));
    }
    match came_difference(active, candidate) {
        Some(what) => different(Kind::Response, what, shown(active), shown(candidate)),
        None => Verdict::Same,
    }
}

fn different(kind: Kind, what: String, active: Value, candidate: Value) -> Verdict {
    Verdict::Different(Difference { kind, what, active, candidate })
}

/// Whether one failed, or each by another cause.
fn failure_difference(active: &Came, candidate: &Came) -> Option<String> {
    let cause = |came: &Came| match came {
        Came::Failed(Failure { cause, .. }) => Some(cause.name()),
        _ => None,
    };
    let (active, candidate) = (cause(active), cause(candidate));
    let name = |cause: Option<&'static str>| cause.unwrap_or("an answer");
    (active != candidate).then(|| format!("{} and {}", name(active), name(candidate)))
}

/// What differs first, in words; `None`: nothing.
fn came_difference(active: &Came, candidate: &Came) -> Option<String> {
    match (active, candidate) {
        // Masked first and cut then: the beginning of an email does not look like one.
        (Came::Answer(active), Came::Answer(candidate)) => {
            first_difference(active, candidate, |value| told(&masked(value.clone())))
        }
        (Came::Failed(_), Came::Failed(_)) | (Came::StoreFailed(_), Came::StoreFailed(_)) => None,
        (Came::Refused(active), Came::Refused(candidate)) if active == candidate => None,
        (active, candidate) => Some(format!("{} and {}", told_of(active), told_of(candidate))),
    }
}

/// In a few words, and whose answer it is.
fn told_of(came: &Came) -> String {
    match came {
        Came::Answer(_) => format!("the answer {}", short(came)),
        Came::Refused(_) => format!("the host's {}", short(came)),
        Came::Failed(_) | Came::StoreFailed(_) => short(came),
    }
}

/// What comes out of here is shown, so what cannot be masked is left out.
fn shown(came: &Came) -> Value {
    let mut shown = came_as_json(came, Bodies::Hidden);
    if let Came::Failed(failure) = came {
        shown["message"] = without_cut_end(&failure.message, Failure::MAX_MESSAGE).into();
    }
    shown
}
