//! A recorded request, run again: offline, under the same limits, told what the recorded run was told.

use serde_json::Value;

use crate::difference::{Bodies, as_json, came_as_json, first_difference, outcome_as_json, short, short_outcome, told};
use crate::domain::Principal;
use crate::error::Error;
use crate::http::{Destination, find_destination, params};
use crate::recorder::file::{Outcome, RecordedRequest};
use crate::seen::{Came, Refusal};
use crate::wasm::{
    CallDifference, Cause, Errand, Exchange, Failure, GuestRequest, Lane, LoggedLine, Module, Playback, Played,
    Recording, Report, RunError,
};

/// What came of a replay.
pub(crate) struct Replayed {
    /// The first difference; `None`: it did the same.
    pub(crate) difference: Option<Difference>,
    /// Its host calls, as far as it came.
    pub(crate) host_calls: usize,
    /// What came of it now.
    pub(crate) came: Came,
    /// Why the comparison may say less than it seems to.
    pub(crate) notes: Vec<&'static str>,
}

/// Where a replay does something else first: its host calls come before what came of it, and that before what it said on the way.
pub(crate) struct Difference {
    /// `route`, `host-call`, `outcome`, `log` or `output`.
    pub(crate) at: &'static str,
    /// Which one, from 1, where there are several.
    pub(crate) number: Option<usize>,
    /// In words.
    pub(crate) what: String,
    pub(crate) recorded: Value,
    pub(crate) now: Value,
}

/// Runs it again in this module, which has been loaded into an engine with the recorded limits.
pub(crate) async fn replay(recorded: &RecordedRequest, module: &Module) -> Replayed {
    let same_module = module.digest.to_string() == recorded.module.digest;
    let mut notes = notes(recorded);
    let request = match request_for(recorded, module, same_module) {
        Ok(request) => request,
        Err(error) => return not_run(recorded, &error, notes),
    };
    let playback = Playback::in_order(recorded.calls.clone());
    let report = module.run(&request, Errand::played(playback, recorded.seed, Lane::Clients)).await;
    let Report { result, played, recording, .. } = report;
    let (played, did) = (played.unwrap_or_default(), recording.unwrap_or_default());
    let diverged = matches!(result, Err(RunError::Diverged)) && !played.unanswered;
    let came = if played.unanswered {
        notes.retain(|note| *note != OUT_OF_TIME);
        notes.push(
            "it did the same as far as it was recorded: up to a host call that time was up for, before its answer",
        );
        // What waits for an answer that never comes.
        Came::Failed(Failure::new(Cause::WallClock, "the answer of its last host call was not recorded"))
    } else {
        Came::of_run(&result)
    };
    // The one that was not as recorded got no answer.
    let host_calls =
        did.exchanges.len() - usize::from(diverged && did.exchanges.last().is_some_and(Exchange::is_pending));
    let difference = first(recorded, played, diverged, &came, &did);
    Replayed { difference, host_calls, came, notes }
}

/// The request as this module gets it: another one may have another name for the route, and other names for what is in the path.
fn request_for(recorded: &RecordedRequest, module: &Module, same_module: bool) -> Result<GuestRequest, Error> {
    let request = recorded.request.for_guest(&recorded.caller);
    if same_module {
        return Ok(request);
    }
    let method = recorded.request.method.parse();
    let method = method.map_err(|_| Error::InvalidRequest("HTTP has no such method.".to_owned()))?;
    let Destination::Route(route, found) = find_destination(module, &method, &recorded.request.path)? else {
        return Err(Error::RouteNotFound);
    };
    let principal: Principal = recorded.caller.principal();
    route.access.check(&principal).map_err(|needs| Error::lacks(&principal, needs))?;
    if let Some(limit) = route.max_body.filter(|limit| request.body.len() > *limit) {
        return Err(Error::BodyTooLarge { limit });
    }
    Ok(GuestRequest { route_id: route.id.clone(), params: params(&found)?, ..request })
}

/// Said of a run that ended as it did for the time that it took.
const OUT_OF_TIME: &str = "the recorded run was out of time, so only that is compared";
/// Said of a run that had less memory than its limit.
const CROWDED_OUT: &str =
    "the recorded run failed for want of memory that others had taken, so only its host calls until then are compared";

fn notes(recorded: &RecordedRequest) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if recorded.served_before {
        notes.push(
            "the recorded instance had served other requests before (--instance-reuse), and may have remembered them",
        );
    }
    if recorded.crowded_out {
        notes.push(CROWDED_OUT);
    }
    if recorded.outcome.is_of_time() {
        notes.push(OUT_OF_TIME);
    }
    notes
}

fn not_run(recorded: &RecordedRequest, error: &Error, notes: Vec<&'static str>) -> Replayed {
    let came = Came::Refused(Refusal::of(error));
    let what = format!("the host answers {} before this module runs", error.code());
    let (was, now) = (outcome_as_json(&recorded.outcome, Bodies::Whole), came_as_json(&came, Bodies::Whole));
    let difference = Some(Difference { at: "route", number: None, what, recorded: was, now });
    Replayed { difference, host_calls: 0, came, notes }
}

fn first(
    recorded: &RecordedRequest,
    played: Played,
    diverged: bool,
    came: &Came,
    did: &Recording,
) -> Option<Difference> {
    let now = Outcome::of(came);
    if recorded.outcome.is_of_time() && !diverged {
        let cause = |outcome: &Outcome| if let Outcome::Failure(f) = outcome { f.cause.clone() } else { String::new() };
        let same = now.as_ref().is_some_and(|now| cause(now) == cause(&recorded.outcome));
        return if same { None } else { Some(outcome_difference(recorded, came)) };
    }
    if recorded.crowded_out {
        // What it would have asked for then is not known.
        let known = played.difference.filter(|call| call.recorded.is_some());
        return known.map(|call| call_difference(*call, came));
    }
    if let Some(call) = played.difference {
        return Some(call_difference(*call, came));
    }
    if now.as_ref() != Some(&recorded.outcome) {
        return Some(outcome_difference(recorded, came));
    }
    log_difference(&recorded.log, &did.log).or_else(|| output_difference(&recorded.output, &did.output))
}

fn call_difference(call: CallDifference, came: &Came) -> Difference {
    let CallDifference { number, recorded, now } = call;
    let what = match (&recorded, &now) {
        (Some(recorded), Some(now)) if recorded.function() == now.function => {
            format!("{} is asked for something else", now.function)
        }
        (Some(recorded), Some(now)) => format!("{} was called, and now {}", recorded.function(), now.function),
        (None, Some(now)) => format!("{} is one more", now.function),
        (Some(recorded), None) => format!("{} was called, and now the run is over", recorded.function()),
        (None, None) => String::new(),
    };
    let now = now.map_or_else(|| came_as_json(came, Bodies::Whole), |now| as_json(&now));
    Difference { at: "host-call", number: Some(number), what, recorded: as_json(&recorded), now }
}

fn outcome_difference(recorded: &RecordedRequest, came: &Came) -> Difference {
    let answers = match (&recorded.outcome, came) {
        (Outcome::Answer(was), Came::Answer(now)) => was.answer().and_then(|was| first_difference(&was, now, told)),
        _ => None,
    };
    let what = answers.unwrap_or_else(|| format!("{}, and now {}", short_outcome(&recorded.outcome), short(came)));
    let (was, now) = (outcome_as_json(&recorded.outcome, Bodies::Whole), came_as_json(came, Bodies::Whole));
    Difference { at: "outcome", number: None, what, recorded: was, now }
}

fn log_difference(was: &[LoggedLine], now: &[LoggedLine]) -> Option<Difference> {
    let at = (0..was.len().max(now.len())).find(|at| was.get(*at) != now.get(*at))?;
    let what = "another line for the log".to_owned();
    let (recorded, now) = (as_json(&was.get(at)), as_json(&now.get(at)));
    Some(Difference { at: "log", number: Some(at + 1), what, recorded, now })
}

fn output_difference(was: &str, now: &str) -> Option<Difference> {
    let what = || "other words on stdout or stderr".to_owned();
    let difference = || Difference { at: "output", number: None, what: what(), recorded: was.into(), now: now.into() };
    (was != now).then(difference)
}
