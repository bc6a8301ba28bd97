//! Instances that wait for their next run, where `--instance-reuse` lets them serve more than one.
//!
//! Only runs for clients: one beside them, a shadow, is always fresh, and has its own place in the pool.
//!
//! Invariant: instances that run and instances that wait are together never more than the pool has room for. A run holds a permit; what
//! waits has none, and lives in the room of permits that nobody holds. Whoever wants a new instance thus first drops what waits beyond
//! the permits that are free ([`Idle::make_room`]).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::Store;

use super::bindings::exports::boxoffice::rules::handler::Guest;
use super::run::Run;

/// An instance that has answered cleanly. Between two runs it holds nothing of either request but what the guest itself remembers.
pub(super) struct Instance {
    pub(super) store: Store<Run>,
    pub(super) guest: Guest,
    /// Runs that it may still serve.
    pub(super) left: u32,
}

/// All that wait, of all modules: the one that has waited longest first.
///
/// A module is known by the very string of its shortened digest, not by what it says: the same bytes can be loaded twice, and one of the
/// two goes while the other serves.
#[derive(Default)]
pub(super) struct Idle(Mutex<VecDeque<(Arc<str>, Instance)>>);

impl Idle {
    /// The instance of this module that ran last: its memory is likeliest to be in the processor's caches.
    pub(super) fn take(&self, module: &Arc<str>) -> Option<Instance> {
        let mut idle = self.lock();
        let at = idle.iter().rposition(|(of, _)| Arc::ptr_eq(of, module))?;
        idle.remove(at).map(|(_, instance)| instance)
    }

    /// Lets an instance wait. Its run's permit is given up only afterwards, so that there is room for it.
    pub(super) fn give_back(&self, module: &Arc<str>, instance: Instance) {
        self.lock().push_back((Arc::clone(module), instance));
    }

    /// Drops what waits beyond `free` permits, the longest wait first.
    pub(super) fn make_room(&self, free: usize) {
        let mut idle = self.lock();
        let beyond = idle.len().saturating_sub(free);
        // Under the lock: who finds the list empty afterwards finds their places in the pool free, too.
        idle.drain(..beyond).for_each(drop);
    }

    /// Drops what waits of a module that is gone.
    pub(super) fn forget(&self, module: &Arc<str>) {
        let mut idle = self.lock();
        let (gone, kept) = std::mem::take(&mut *idle).into_iter().partition(|(of, _)| Arc::ptr_eq(of, module));
        *idle = kept;
        drop(idle);
        drop::<VecDeque<_>>(gone);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Arc<str>, Instance)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
