//! Counts the requests in flight, so that the server can wait for them and turn new ones away.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The gate of the server.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    draining: AtomicBool,
    in_flight: AtomicUsize,
    left: Notify,
}

/// A request in flight, until it is dropped.
pub(crate) struct InFlight<'a>(&'a Drain);

impl Drain {
    /// Lets a request in, unless the server drains.
    pub(crate) fn enter(&self) -> Option<InFlight<'_>> {
        // Counted first and asked second: whoever begins to drain either sees the request or is seen by it.
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let guard = InFlight(self);
        (!self.draining.load(Ordering::SeqCst)).then_some(guard)
    }

    /// Lets nobody in any more.
    pub(crate) fn begin(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether it has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Requests in flight now.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Waits until no request is in flight.
    pub(crate) async fn idle(&self) {
        loop {
            let left = self.left.notified();
            if self.in_flight() == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.left.notify_waiters();
        }
    }
}
