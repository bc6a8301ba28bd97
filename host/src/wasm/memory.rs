//! How much memory a run may have, and all runs together.
//!
//! Each run has an allowance that nobody can take from it, so that modules of usual size always run; what is beyond comes out of one budget
//! for all. Without it, runs that are each within their limit could together have more than the machine.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

use super::limits::Limits;

/// Bytes that each run has to itself: a guest written in Rust has some 1.1 MiB.
const ALLOWANCE: usize = 4 * 1024 * 1024;

/// The guest wanted more memory, or a larger table, than it may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemoryLimitExceeded {
    what: &'static str,
    wanted: usize,
    limit: usize,
}

impl fmt::Display for MemoryLimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} wanted, {} allowed", self.wanted, self.what, self.limit)
    }
}

impl std::error::Error for MemoryLimitExceeded {}

/// All runs together have taken what there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemoryTaken;

impl fmt::Display for MemoryTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the memory of all runs is taken (--rules-memory-in-all)")
    }
}

impl std::error::Error for MemoryTaken {}

/// The budget of all runs of an engine.
#[derive(Debug)]
pub(super) struct SharedMemory {
    left: AtomicUsize,
}

impl SharedMemory {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: AtomicUsize::new(bytes) }
    }

    fn take(&self, bytes: usize) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The memory of one instance. Refuses growth beyond the limits with an error that says so; a mere `false` would show as an `unreachable`
/// in the guest.
#[derive(Debug)]
pub(super) struct Memory {
    limits: Limits,
    shared: Option<Arc<SharedMemory>>,
    /// Bytes of all its memories.
    bytes: usize,
    /// Of which so many are from the shared budget.
    taken: usize,
    /// What these two were before the last growth, which may fail after all.
    before: (usize, usize),
    /// Whether it was refused what its own limit would have allowed.
    crowded_out: bool,
}

impl Memory {
    pub(super) fn within(limits: Limits) -> Self {
        Self { limits, shared: None, bytes: 0, taken: 0, before: (0, 0), crowded_out: false }
    }

    /// Takes what is beyond the allowance out of this budget from now on.
    pub(super) fn share(&mut self, shared: &Arc<SharedMemory>) {
        self.shared = Some(Arc::clone(shared));
    }

    /// Has `bytes` in all, if the budget has what they need of it.
    fn reserve(&mut self, bytes: usize) -> bool {
        let wanted = bytes.saturating_sub(ALLOWANCE);
        let more = wanted.saturating_sub(self.taken);
        if more > 0 && !self.shared.as_ref().is_none_or(|shared| shared.take(more)) {
            return false;
        }
        (self.bytes, self.taken) = (bytes, self.taken + more);
        true
    }

    /// The last growth came to nothing.
    fn undo(&mut self) {
        let (bytes, taken) = self.before;
        if let Some(shared) = &self.shared {
            shared.give_back(self.taken.saturating_sub(taken));
        }
        (self.bytes, self.taken) = (bytes, taken);
    }

    /// Bytes of all its memories; they never shrink.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether others had taken the memory that it wanted.
    pub(super) fn is_crowded_out(&self) -> bool {
        self.crowded_out
    }

    /// Whether it has nothing of the shared budget.
    pub(super) fn is_within_allowance(&self) -> bool {
        self.taken == 0
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.give_back(self.taken);
        }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, present: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.before = (self.bytes, self.taken);
        within("bytes of memory", wanted, self.limits.memory)?;
        if self.reserve(self.bytes.saturating_add(wanted.saturating_sub(present))) {
            return Ok(true);
        }
        self.crowded_out = true;
        Err(MemoryTaken.into())
    }

    /// Asked first and allowed, the growth failed all the same: beyond the maximum that the memory itself declares, or for want of pages.
    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo();
        Ok(())
    }

    fn table_growing(&mut self, _: usize, wanted: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        within("elements of a table", wanted, self.limits.table_elements)?;
        Ok(true)
    }

    fn instances(&self) -> usize {
        Limits::CORE_INSTANCES as usize
    }

    fn memories(&self) -> usize {
        self.limits.memories as usize
    }

    fn tables(&self) -> usize {
        self.limits.tables as usize
    }
}

fn within(what: &'static str, wanted: usize, limit: usize) -> Result<(), MemoryLimitExceeded> {
    if wanted > limit { Err(MemoryLimitExceeded { what, wanted, limit }) } else { Ok(()) }
}
