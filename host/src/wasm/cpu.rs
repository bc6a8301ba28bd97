//! The CPU budget of a run: the time that its thread spends in the guest, and not the time inside host calls.
//!
//! The whole run is one future, whose polls are measured with the thread's CPU clock, so that waiting costs nothing. A host call stops
//! the measuring when it begins and starts it again when it is done, be it in a later poll on another thread. Reading the clock is a
//! system call (0.7 us), so a poll that only asks a waiting host call again does not. Counting epoch ticks instead would blame an
//! innocent guest for a slow commit.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

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

    /// The guest goes on.
    fn start(&self) {
        self.began.store(thread_cpu_nanos(), Ordering::Relaxed);
    }

    /// The guest stands still.
    fn stop(&self) {
        self.used.store(self.used_now(), Ordering::Relaxed);
    }

    fn is_outside(&self) -> bool {
        self.outside.load(Ordering::Relaxed)
    }
}

pin_project! {
    /// A run whose polls are measured.
    pub(super) struct Metered<F> {
        #[pin]
        run: F,
        meter: Arc<CpuMeter>,
    }
}

impl<F> Metered<F> {
    pub(super) fn new(run: F, meter: Arc<CpuMeter>) -> Self {
        Self { run, meter }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if !this.meter.is_outside() {
            this.meter.start();
        }
        let polled = this.run.poll(context);
        if !this.meter.is_outside() {
            this.meter.stop();
        }
        polled
    }
}

fn thread_cpu_nanos() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
