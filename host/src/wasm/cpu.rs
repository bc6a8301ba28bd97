//! The CPU budget of a run: the time that its thread spends in the guest, and not the time inside host calls.
//!
//! The whole run is one future; each of its polls is measured with the thread's CPU clock, so that waiting costs nothing. Host calls
//! that work during a poll take their time off again. Counting epoch ticks instead would blame an innocent guest for a slow commit.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Nanoseconds of finished polls.
    used: AtomicU64,
    /// The thread's clock when the poll began, moved on by the time of host calls.
    began: AtomicU64,
}

impl CpuMeter {
    /// Nanoseconds used, the present poll included. To be asked inside a poll.
    pub(super) fn used_now(&self) -> u64 {
        self.used() + thread_cpu_nanos().saturating_sub(self.began.load(Ordering::Relaxed))
    }

    /// Nanoseconds of finished polls.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Runs a host call, whose time is not the guest's.
    pub(super) async fn outside<F: Future>(&self, call: F) -> F::Output {
        let mut call = std::pin::pin!(call);
        std::future::poll_fn(|context| {
            let began = thread_cpu_nanos();
            let polled = call.as_mut().poll(context);
            let spent = thread_cpu_nanos().saturating_sub(began);
            self.began.fetch_add(spent, Ordering::Relaxed);
            polled
        })
        .await
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
        this.meter.began.store(thread_cpu_nanos(), Ordering::Relaxed);
        let polled = this.run.poll(context);
        this.meter.used.store(this.meter.used_now(), Ordering::Relaxed);
        polled
    }
}

fn thread_cpu_nanos() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}
