//! The CPU budget of a run: the time that its thread spends in the guest, and not the time inside host calls.
//!
//! The whole run is one future, whose polls are measured, so that waiting costs nothing. A call to the store stops the measuring when it
//! begins and starts it again when it is done, be it in a later poll on another thread. Counting epoch ticks instead would blame an innocent
//! guest for a slow commit.
//!
//! Reading the thread's CPU clock is a system call (0.7 us, and a request would need four or more). So a run is measured with the wall's
//! clock until the first tick that finds it in the guest, which is after 2 ms at the latest, and with the thread's from there on. Until then
//! the two can only differ by what the kernel gave to others, and that is bounded by [`UNTICKED`]: no run is ended for it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Semaphore;

/// Most nanoseconds that are counted of a run before a tick has found it: two ticks.
const UNTICKED: u64 = 4_000_000;

/// The guest used up its CPU time.
#[derive(Debug, Clone, Copy)]
pub(super) struct CpuExceeded;

impl fmt::Display for CpuExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the CPU budget is used up")
    }
}

impl std::error::Error for CpuExceeded {}

/// What a run has used. One thread at a time writes it: the one that polls the run.
#[derive(Debug, Default)]
pub(super) struct CpuMeter {
    /// Nanoseconds of stretches in the guest that are over.
    used: AtomicU64,
    /// The clock when the present stretch began: the wall's, or the thread's once it is `exact`.
    began: AtomicU64,
    /// Whether the thread's clock is read.
    exact: AtomicBool,
    /// Whether a host call is waiting, so that the guest does not run when the run is polled.
    outside: AtomicBool,
    /// Microseconds that the run has waited by itself, where that is watched.
    waited: AtomicU64,
}

impl CpuMeter {
    /// Reads the thread's clock from the start: for those who compare runs, or show what they cost. To be said before it runs.
    pub(super) fn be_exact(&self) {
        self.exact.store(true, Ordering::Relaxed);
    }

    /// Nanoseconds used, the present stretch included, at a tick. To be asked by the guest's thread, outside of host calls.
    pub(super) fn used_at_tick(&self) -> u64 {
        if !self.exact.load(Ordering::Relaxed) {
            self.stop();
            self.be_exact();
            self.start();
        }
        self.used_now()
    }

    /// Whether a tick has found it in the guest, and it has used more than a short request does.
    fn is_long(&self) -> bool {
        self.exact.load(Ordering::Relaxed) && self.used() > SHORT
    }

    fn used_now(&self) -> u64 {
        let exact = self.exact.load(Ordering::Relaxed);
        let used = self.used() + nanos(exact).saturating_sub(self.began.load(Ordering::Relaxed));
        if exact { used } else { used.min(UNTICKED) }
    }

    /// Nanoseconds of stretches that are over.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// One poll of the run.
    fn measure<T>(&self, poll: impl FnOnce() -> T) -> T {
        if !self.is_outside() {
            self.start();
        }
        let polled = poll();
        if !self.is_outside() {
            self.stop();
        }
        polled
    }

    /// Runs a host call, whose time is not the guest's.
    pub(super) async fn outside<F: Future>(&self, call: F) -> F::Output {
        self.stop();
        self.outside.store(true, Ordering::Relaxed);
        // Dropped here, the whole run is: there is no guest to go on.
        let answered = call.await;
        self.outside.store(false, Ordering::Relaxed);
        self.start();
        answered
    }

    /// The run is over, and has waited by itself for so long.
    pub(super) fn has_waited(&self, micros: u64) {
        self.waited.store(micros, Ordering::Relaxed);
    }

    /// Microseconds that the run has waited by itself.
    pub(super) fn waited(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }

    /// The guest goes on.
    fn start(&self) {
        self.began.store(nanos(self.exact.load(Ordering::Relaxed)), Ordering::Relaxed);
    }

    /// The guest stands still.
    fn stop(&self) {
        self.used.store(self.used_now(), Ordering::Relaxed);
    }

    pub(super) fn is_outside(&self) -> bool {
        self.outside.load(Ordering::Relaxed)
    }
}

/// CPU time after which a run takes turns with others like it. Honest requests need well under a millisecond.
const SHORT: u64 = 2_000_000;

/// Runs that have used more than a short request does share a few threads: all others are left to those who are in no need of them.
///
/// Without it, innocent requests wait at each step of theirs behind everybody who spins, one tick each.
#[derive(Debug)]
pub(super) struct LongRuns(Semaphore);

impl LongRuns {
    /// They get half of the threads, and at least one. With as many as there are threads, heavy rules go twice as fast, and innocents'
    /// p99 beside 8 spinners is 88 to 177 ms instead of 16 to 37.
    pub(super) fn for_threads(threads: usize) -> Self {
        Self(Semaphore::new((threads / 2).max(1)))
    }
}

/// Runs `run`, each of its polls measured, in turns with others once it is no longer short.
pub(super) async fn metered<F: Future>(run: F, meter: &CpuMeter, long_runs: &LongRuns) -> F::Output {
    let mut run = std::pin::pin!(run);
    loop {
        // The semaphore is never closed.
        let turn = if meter.is_long() { long_runs.0.acquire().await.ok() } else { None };
        let polled = std::future::poll_fn(|context| Poll::Ready(meter.measure(|| run.as_mut().poll(context)))).await;
        if let Poll::Ready(output) = polled {
            return output;
        }
        // Whoever waited longest has the next turn. What wakes the run wakes this.
        drop(turn);
        pending_once().await;
    }
}

async fn pending_once() {
    let mut been = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut been, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// The thread's CPU clock, or the wall's, which is read without a system call.
fn nanos(exact: bool) -> u64 {
    let time = clock_gettime(if exact { ClockId::ThreadCPUTime } else { ClockId::Monotonic });
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
