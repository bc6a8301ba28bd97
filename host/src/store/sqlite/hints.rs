//! Which events are probably sold out.
//!
//! Lossy, and never a promise: a hint only says that it is worth asking a reader before the writer, so that the
//! registrations of an event that still sells do not pay for a look that finds seats.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::EventId;

/// Events remembered, 32 KiB: far more than sell out at one time. Two in one place take turns.
const PLACES: usize = 4096;

/// One place for each hash.
pub(super) struct Hints(Vec<AtomicU64>);

/// An event's hash, made once for each registration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hint(u64);

impl Hint {
    pub(super) fn of(event: &EventId) -> Self {
        let mut hash = DefaultHasher::new();
        event.hash(&mut hash);
        // 0 is an empty place.
        Self(hash.finish().max(1))
    }
}

impl Hints {
    pub(super) fn new() -> Self {
        Self((0..PLACES).map(|_| AtomicU64::new(0)).collect())
    }

    /// Whether it was sold out when somebody last looked.
    pub(super) fn has(&self, hint: Hint) -> bool {
        self.place(hint).load(Ordering::Relaxed) == hint.0
    }

    /// It is sold out.
    pub(super) fn set(&self, hint: Hint) {
        self.place(hint).store(hint.0, Ordering::Relaxed);
    }

    /// It has seats.
    pub(super) fn clear(&self, hint: Hint) {
        let _ = self.place(hint).compare_exchange(hint.0, 0, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn place(&self, hint: Hint) -> &AtomicU64 {
        // A remainder of PLACES fits a usize.
        &self.0[usize::try_from(hint.0 % PLACES as u64).unwrap_or(0)]
    }
}
