//! The form of a recording: one request of a client's, whole, with all that its run was told.
//!
//! JSON, so that people can read it. It holds personal data: the folder is private, and nothing in it is masked, because a run is only
//! the same again on the same data.

mod parts;
mod read;

use serde::{Deserialize, Serialize};

use crate::domain::Millis;
use crate::seen::{Came, Seen};
use crate::store::StoreFailure;
use crate::wasm::{Cause, Exchange, Limits, LoggedLine};
pub(crate) use parts::{AnswerPart, CallerPart, FailurePart, ModulePart, RegistrationPart, RequestPart};
pub(crate) use read::{BadRecording, read};

/// The version of the form.
const FORMAT: u32 = 1;
/// Most bytes of a file: the largest answers and calls, and room for how JSON writes them.
pub(crate) const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Why a request was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Why {
    /// It failed, or was answered with a 5xx.
    Failure,
    /// By chance (`--record-sample`).
    Sample,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordedRequest {
    /// [`FORMAT`]
    pub(crate) format: u32,
    pub(crate) why: Why,
    pub(crate) recorded_at_ms: u64,
    pub(crate) module: ModulePart,
    pub(crate) request: RequestPart,
    pub(crate) caller: CallerPart,
    pub(crate) registration: RegistrationPart,
    /// What the guest's randomness came from.
    pub(crate) seed: u64,
    /// Whether the instance had served another request before (`--instance-reuse`): then a replay may differ.
    pub(crate) served_before: bool,
    /// Whether it failed for want of memory that others had taken.
    pub(crate) crowded_out: bool,
    pub(crate) limits: Limits,
    /// The calls of events and tickets, in order.
    pub(crate) calls: Vec<Exchange>,
    pub(crate) log: Vec<LoggedLine>,
    /// What it wrote to stdout and stderr.
    pub(crate) output: String,
    pub(crate) outcome: Outcome,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The module's answer, without what the host added.
    Answer(AnswerPart),
    /// The run failed.
    Failure(FailurePart),
    /// The store could not say.
    StoreFailure(StoreFailure),
}

impl Outcome {
    /// `None`: the host answered, and there is nothing to run again.
    pub(crate) fn of(came: &Came) -> Option<Self> {
        match came {
            Came::Answer(answer) => Some(Self::Answer(AnswerPart::of(answer))),
            Came::Failed(failure) => Some(Self::Failure(FailurePart::of(failure))),
            Came::StoreFailed(failure) => Some(Self::StoreFailure(failure.clone())),
            Came::Refused(_) => None,
        }
    }

    /// Whether it depends on how fast the machine was.
    pub(crate) fn is_of_time(&self) -> bool {
        let times = [Cause::CpuBudget, Cause::WallClock].map(Cause::name);
        matches!(self, Self::Failure(failure) if times.contains(&failure.cause.as_str()))
    }
}

impl RecordedRequest {
    /// Of what the host saw; `None`: no module ran.
    pub(crate) fn of(seen: &Seen, why: Why, at: Millis) -> Option<Self> {
        let ran = seen.ran.as_ref()?;
        Some(Self {
            format: FORMAT,
            why,
            recorded_at_ms: at.as_u64(),
            module: ModulePart::of(&seen.module),
            request: RequestPart::of(seen, &ran.request),
            caller: CallerPart::of(&seen.principal),
            registration: RegistrationPart::of(seen.registration),
            seed: seen.seed,
            served_before: ran.served_before,
            crowded_out: ran.crowded_out,
            limits: *seen.module.limits(),
            calls: ran.recording.exchanges.clone(),
            log: ran.recording.log.clone(),
            output: ran.recording.output.clone(),
            outcome: Outcome::of(&seen.came)?,
        })
    }

    /// `<recorded at, in ms>-<request id>-<seed>-<digest, shortened>.json`. The id is the client's to choose, and the seed is not: two
    /// requests never have the same name.
    pub(crate) fn file_name(&self) -> String {
        let safe = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' };
        let id: String = self.request.request_id.chars().map(safe).take(128).collect();
        let digest: String = self.module.digest.chars().take(DIGEST).collect();
        format!("{}-{id}-{:016x}-{digest}.json", self.recorded_at_ms, self.seed)
    }
}

/// Digits of a digest in a name.
const DIGEST: usize = 12;

/// Whether a file of this name is a recording: all others in the folder are somebody else's.
pub(crate) fn is_recording(name: &str) -> bool {
    let parts = name.strip_suffix(".json").and_then(|name| name.split_once('-'));
    let Some((at, (_, digest))) = parts.and_then(|(at, rest)| Some((at, rest.rsplit_once('-')?))) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(at) && digest.len() == DIGEST && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}
