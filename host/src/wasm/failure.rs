//! Why a run or a module failed, by name.

use std::fmt;

use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use super::cpu::CpuExceeded;
use super::engine::MemoryLimitExceeded;
use super::imports::StoreFailed;
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
    /// It moved more bytes in one host call than it may.
    HostCallQuota,
    /// Its answer is outside the contract's limits.
    BadResponse,
    /// All instances are taken.
    NoInstance,
}

impl Cause {
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
    /// What the guest wrote to stdout and stderr, cut at its limit.
    pub output: String,
}

impl Failure {
    /// A failure that did not come out of the guest's own code.
    pub fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), functions: Vec::new(), output: String::new() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause.name(), self.message)?;
        if !self.functions.is_empty() {
            write!(f, "; in {}", self.functions.join(" < "))?;
        }
        if !self.output.is_empty() {
            write!(f, "; it said: {}", self.output.escape_debug())?;
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
}

/// Why a module cannot be served: one or two lines for its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError(pub String);

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

/// Most functions of a backtrace that are told.
const MAX_FUNCTIONS: usize = 16;

/// Names the cause of an error that came out of a run.
pub(super) fn explain(error: &wasmtime::Error, output: String) -> RunError {
    if let Some(StoreFailed(failure)) = error.downcast_ref() {
        return RunError::Store(failure.clone());
    }
    let cause = if error.is::<CpuExceeded>() {
        Cause::CpuBudget
    } else if error.is::<MemoryLimitExceeded>() {
        Cause::MemoryLimit
    } else if error.is::<PoolConcurrencyLimitError>() {
        Cause::NoInstance
    } else if is_host_call_quota(error) {
        Cause::HostCallQuota
    } else {
        Cause::Trap
    };
    let message = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    RunError::Failed(Failure { cause, message, functions: functions(error), output })
}

/// wasmtime has no public type for this error, so its text it is; a test runs into the limit and sees the cause.
fn is_host_call_quota(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls")
}

fn functions(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let frames = backtrace.frames().iter().take(MAX_FUNCTIONS);
    frames
        .map(|frame| match frame.func_name() {
            Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
            None => format!("function {}", frame.func_index()),
        })
        .collect()
}
