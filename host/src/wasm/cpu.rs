//! The CPU budget of a run: the time that its thread spends in the guest, and not the time inside host calls.
//!
//! The whole run is one future, whose polls are measured with the thread's CPU clock, so that waiting costs nothing. A call to the store stops
//! the measuring when it begins and starts it again when it is done, be it in a later poll on another thread. Reading the clock is a
//! system call (0.7 us), so a poll that only asks a waiting host call again does not. Counting epoch ticks instead would blame an
//! innocent guest for a slow commit.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;

use tokio::sync::Semaphore;

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
    /// The thread's clock when the present stretch began.
    began: AtomicU64,
    /// Whether a host call is waiting, so that the guest does not run when the run is polled.
    outside: AtomicBool,
    /// Microseconds that the run has waited by itself, where that is watched.
    waited: AtomicU64,
}

impl CpuMeter {
    /// Nanoseconds used, the present stretch included. To be asked by the guest's thread, outside of host calls.
    pub(super) fn used_now(&self) -> u64 {
        self.used() + thread_cpu_nanos().saturating_sub(self.began.load(Ordering::Relaxed))
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
        self.began.store(thread_cpu_nanos(), Ordering::Relaxed);
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
        let turn = if meter.used() > SHORT { long_runs.0.acquire().await.ok() } else { None };
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

fn thread_cpu_nanos() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
