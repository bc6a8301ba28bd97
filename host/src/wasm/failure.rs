//! Why a run or a module failed, by name.

use std::fmt;

use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use super::backtrace::{Frames, Lines, Place};
use super::cpu::CpuExceeded;
use super::imports::{QuotaExceeded, StoreFailed};
use super::limits::Limits;
use super::memory::{MemoryLimitExceeded, MemoryTaken};
use super::playback::Diverged;
use crate::store::StoreFailure;

/// The named causes of a failed run, the same in logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The guest trapped: a panic, an unreachable, out of bounds, stack exhausted.
    Trap,
    /// It used up its CPU time.
    CpuBudget,
    /// It took too long, host calls included.
    WallClock,
    /// It wanted more memory than it may have.
    MemoryLimit,
    /// It called the host more often, or moved more bytes in host calls, than it may.
    HostCallQuota,
    /// Its answer is outside the contract's limits.
    BadResponse,
    /// All instances are taken.
    NoInstance,
}

impl Cause {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 7] = [
        Self::Trap,
        Self::CpuBudget,
        Self::WallClock,
        Self::MemoryLimit,
        Self::HostCallQuota,
        Self::BadResponse,
        Self::NoInstance,
    ];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::CpuBudget => "cpu-budget",
            Self::WallClock => "wall-clock",
            Self::MemoryLimit => "memory-limit",
            Self::HostCallQuota => "host-call-quota",
            Self::BadResponse => "bad-response",
            Self::NoInstance => "no-instance",
        }
    }
}

/// A failed run. For the log; a client learns only the cause's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// By name.
    pub cause: Cause,
    /// In words.
    pub message: String,
    /// The guest's functions, innermost first, where it has names.
    pub functions: Vec<String>,
    /// The same with files and lines, and with what was inlined; only of an engine that tells lines, and a module that has them.
    pub places: Vec<Place>,
    /// What the guest wrote to stdout and stderr, cut at its limit.
    pub output: String,
}

impl Failure {
    /// Most bytes of its message.
    pub const MAX_MESSAGE: usize = 500;

    /// A failure that did not come out of the guest's own code.
    pub fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self {
            cause,
            message: bounded(message.into()),
            functions: Vec::new(),
            places: Vec::new(),
            output: String::new(),
        }
    }
}

/// Most characters of a guest's output in one line for people; the log has all that is kept.
const MAX_SAID: usize = 400;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause.name(), self.message)?;
        if !self.places.is_empty() {
            let places: Vec<_> = self.places.iter().map(Place::to_string).collect();
            write!(f, "; in {}", places.join(" < "))?;
        } else if !self.functions.is_empty() {
            write!(f, "; in {}", self.functions.join(" < "))?;
        }
        if !self.output.is_empty() {
            // The end of it: a panic's message comes last.
            let told = self.output.char_indices().rev().nth(MAX_SAID).map_or(0, |(at, _)| at);
            write!(f, "; it said: {}", self.output[told..].trim_start().escape_debug())?;
        }
        Ok(())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunError {
    /// The guest's fault, or the limits'.
    Failed(Failure),
    /// The store could not say, and the host ended the run.
    Store(StoreFailure),
    /// Played back, it asked for something else than was recorded; the report says what. Never for a client.
    Diverged,
}

/// The named refusals of loading a module, in the order in which they are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoadRefusal {
    /// More bytes than a module may have.
    TooLarge,
    /// It has no signature, and one is asked for.
    Unsigned,
    /// Its signature is not one of these bytes by a trusted key.
    WrongSignature,
    /// Not a component: truncated, a core module, another file.
    NotAComponent,
    /// Compiling it takes more time or memory than it may.
    TooComplex,
    /// It needs more memories, tables or instances than a run may have.
    OverLimits,
    /// It imports what this host does not offer.
    WrongImports,
    /// It does not export what the contract asks for.
    WrongExports,
    /// Asked for its manifest, it failed.
    NoManifest,
    /// Its manifest is outside the contract.
    BadManifest,
    /// Asked for one answer, it failed.
    SmokeCall,
    /// Not the module's fault: the file cannot be read, the compiler cannot be started.
    Unavailable,
}

impl LoadRefusal {
    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Unsigned => "unsigned",
            Self::WrongSignature => "wrong-signature",
            Self::NotAComponent => "not-a-component",
            Self::TooComplex => "too-complex",
            Self::OverLimits => "over-limits",
            Self::WrongImports => "wrong-imports",
            Self::WrongExports => "wrong-exports",
            Self::NoManifest => "no-manifest",
            Self::BadManifest => "bad-manifest",
            Self::SmokeCall => "smoke-call",
            Self::Unavailable => "unavailable",
        }
    }

    /// What its author, or the operator, does about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::TooLarge => "strip debug information, or leave out what the rules do not use",
            Self::Unsigned => "sign it with a trusted key (boxoffice rules sign), and keep FILE.sig beside it",
            Self::WrongSignature => "sign it again, after the last change, with a key that --rules-trust names",
            Self::NotAComponent => "build it for wasm32-wasip2, or make a component of it; and copy the file whole",
            Self::TooComplex => "split huge functions, or raise --compile-timeout or --compile-memory",
            Self::OverLimits => "build it with less memory, or raise the limit that is named",
            Self::WrongImports => "build it against this host's wit/ folder, without files, sockets or HTTP",
            Self::WrongExports => "export the interfaces manifest and handler of the world boxoffice:rules/rules",
            Self::NoManifest => "make manifest.describe answer without host functions, which are all denied there",
            Self::BadManifest => "correct what is named; wit/manifest.wit has the limits",
            Self::SmokeCall => "answer, if only with a problem, when host functions deny; do not trap",
            Self::Unavailable => "see the message",
        }
    }
}

/// Why a module cannot be served, for its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// By name.
    pub refusal: LoadRefusal,
    /// In words: one line.
    pub message: String,
}

impl LoadError {
    /// A refusal in words.
    pub fn new(refusal: LoadRefusal, message: impl Into<String>) -> Self {
        Self { refusal, message: message.into() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}

/// There is no instance: said of errors that came before any code of the guest's, but for its start function.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotBegun;

impl fmt::Display for NotBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no instance could be made")
    }
}

/// The beginning of a message: a guest's text can be part of it.
fn bounded(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(Failure::MAX_MESSAGE));
    message
}

/// Names the cause of an error that came out of a run; with files and lines, if `lines` says how.
pub(super) fn explain(error: &wasmtime::Error, output: String, lines: Option<&Lines>) -> RunError {
    if let Some(StoreFailed(failure)) = error.downcast_ref() {
        return RunError::Store(failure.clone());
    }
    if error.is::<Diverged>() {
        return RunError::Diverged;
    }
    let in_guest = error.is::<Trap>() || error.is::<WasmBacktrace>();
    let cause = if error.is::<CpuExceeded>() {
        Cause::CpuBudget
    } else if error.is::<PoolConcurrencyLimitError>() || error.is::<NotBegun>() && !in_guest {
        // Not the guest's doing: none of its code has run.
        Cause::NoInstance
    } else if error.is::<MemoryLimitExceeded>() || error.is::<MemoryTaken>() || is_over_resources(error) {
        Cause::MemoryLimit
    } else if error.is::<QuotaExceeded>() {
        Cause::HostCallQuota
    } else if in_guest {
        if is_over_host_call_bytes(error) { Cause::HostCallQuota } else { Cause::Trap }
    } else {
        // Not in the guest's own code: what came back from it could not be read, or was too much.
        Cause::BadResponse
    };
    let message = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None if is_over_resources(error) => format!("more than {} resources at the same time", Limits::RESOURCES),
        None => error.root_cause().to_string(),
    };
    let Frames { functions, places } = Frames::of(error, lines);
    RunError::Failed(Failure { cause, message: bounded(message), functions, places, output })
}

/// wasmtime has no public type for this error, so its text it is; a test runs into the limit and sees the cause.
fn is_over_host_call_bytes(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls")
}

/// The table of WASI's resources is full, or that of all handles; for the latter wasmtime has no public type, so its text it is, and a
/// test runs into it.
fn is_over_resources(error: &wasmtime::Error) -> bool {
    matches!(error.downcast_ref(), Some(ResourceTableError::Full))
        || error.root_cause().to_string().contains("store handle limit exceeded")
}
