//! What is shown of one request, for people and scripts alike.

use serde::Serialize;
use serde_json::Value;

use crate::error::Error;
use crate::seen::{Came, Refusal, Seen, Unrouted};
use crate::wasm::{Became, Digest, Failure, LoggedLine};

/// One request, and what it did.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) request_id: &'a str,
    /// Names of the caller's roles, separated by commas.
    pub(super) role: String,
    /// The route's id.
    pub(super) route: Option<&'a str>,
    pub(super) status: u16,
    /// Why not, by name: the module's, or the host's.
    pub(super) code: Option<String>,
    /// The same in words.
    pub(super) detail: Option<String>,
    /// Whether the host answered, and not the module.
    pub(super) by_host: bool,
    pub(super) took_us: u64,
    /// CPU time of the module; none: it did not run.
    pub(super) cpu_us: Option<u64>,
    pub(super) host_calls: Vec<HostCall>,
    pub(super) log: &'a [LoggedLine],
    /// What the module wrote to stdout and stderr.
    pub(super) output: &'a str,
    /// Why the run ended, if it did not end with an answer.
    pub(super) failure: Option<ShownFailure<'a>>,
    /// The build that served it.
    #[serde(serialize_with = "as_text")]
    pub(super) module: Option<Digest>,
}

/// One host call.
#[derive(Serialize)]
pub(super) struct HostCall {
    pub(super) function: &'static str,
    /// `ok`, `refused`, `denied`, `store-failed`, or `unanswered`: the run was over before.
    pub(super) outcome: &'static str,
    /// The refusal's name.
    pub(super) refusal: Option<String>,
    pub(super) took_us: u64,
}

/// A failed run.
#[derive(Serialize)]
pub(super) struct ShownFailure<'a> {
    pub(super) cause: &'static str,
    pub(super) message: &'a str,
    /// Names, innermost first.
    pub(super) functions: &'a [String],
    /// Files and lines, innermost first.
    pub(super) places: &'a [crate::wasm::Place],
}

#[expect(clippy::ref_option, reason = "serde's form")]
fn as_text<S: serde::Serializer>(digest: &Option<Digest>, serializer: S) -> Result<S::Ok, S::Error> {
    digest.map(|digest| digest.to_string()).serialize(serializer)
}

impl<'a> Shown<'a> {
    pub(super) fn of(seen: &'a Seen) -> Self {
        let refusal = refusal(&seen.came);
        let ran = seen.ran.as_ref();
        let (status, code, detail) = match (&seen.came, &refusal) {
            (Came::Answer(answer), _) => {
                let (code, detail) = problem(answer.status.as_u16(), &answer.body);
                (answer.status.as_u16(), code, detail)
            }
            (_, Some(refusal)) => (refusal.status, Some(refusal.code.to_owned()), Some(refusal.detail.clone())),
            (_, None) => (0, None, None),
        };
        let failure = if let Came::Failed(failure) = &seen.came { Some(ShownFailure::of(failure)) } else { None };
        Self {
            method: seen.method.as_str(),
            path: &seen.path,
            query: seen.query.as_deref(),
            request_id: &seen.request_id,
            role: seen.principal.roles.names(),
            route: seen.route.as_deref(),
            status,
            code,
            detail,
            by_host: ran.is_none() || refusal.is_some(),
            took_us: seen.took_micros,
            cpu_us: ran.map(|ran| ran.guest_micros),
            host_calls: host_calls(seen),
            log: ran.map_or(&[], |ran| &ran.recording.log),
            output: ran.map_or("", |ran| &ran.recording.output),
            failure,
            module: Some(seen.module.digest),
        }
    }

    pub(super) fn of_unrouted(unrouted: &'a Unrouted) -> Self {
        let refusal = unrouted.refusal.as_ref();
        Self {
            method: unrouted.method.as_str(),
            path: &unrouted.path,
            query: unrouted.query.as_deref(),
            request_id: &unrouted.request_id,
            role: unrouted.roles.clone(),
            route: None,
            status: unrouted.status,
            code: refusal.map(|refusal| refusal.code.to_owned()),
            detail: refusal.map(|refusal| refusal.detail.clone()),
            by_host: true,
            took_us: unrouted.took_micros,
            cpu_us: None,
            host_calls: Vec::new(),
            log: &[],
            output: "",
            failure: None,
            module: None,
        }
    }
}

impl<'a> ShownFailure<'a> {
    fn of(failure: &'a Failure) -> Self {
        Self {
            cause: failure.cause.name(),
            message: &failure.message,
            functions: &failure.functions,
            places: &failure.places,
        }
    }
}

/// What the host says instead of the module, if it does.
fn refusal(came: &Came) -> Option<Refusal> {
    match came {
        Came::Answer(_) => None,
        Came::Refused(refusal) => Some(refusal.clone()),
        Came::Failed(failure) => Some(Refusal::of(&Error::Rules(failure.clone()))),
        Came::StoreFailed(failure) => Some(Refusal::of(&failure.clone().into())),
    }
}

/// The code and the words of a refusal: of a problem document, or of an envelope with the code in its `data`.
fn problem(status: u16, body: &[u8]) -> (Option<String>, Option<String>) {
    if status < 400 {
        return (None, None);
    }
    let Ok(said) = serde_json::from_slice::<Value>(body) else { return (None, None) };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let code = text(said.get("code")).or_else(|| text(said.get("data").and_then(|data| data.get("code"))));
    (code, text(said.get("detail")).or_else(|| text(said.get("message"))))
}

fn host_calls(seen: &Seen) -> Vec<HostCall> {
    let exchanges = seen.ran.iter().flat_map(|ran| &ran.recording.exchanges);
    let calls = exchanges.map(|exchange| {
        let denied = exchange.is_denied(&seen.principal);
        let (outcome, refusal) = match exchange.became() {
            Became::Answered => ("ok", None),
            Became::Refused(name) if denied => ("denied", Some(name)),
            Became::Refused(name) => ("refused", Some(name)),
            Became::StoreFailed => ("store-failed", None),
            Became::Pending => ("unanswered", None),
        };
        HostCall { function: exchange.function(), outcome, refusal, took_us: exchange.took_micros }
    });
    calls.collect()
}
