//! How long a run waits by itself: for a timer of its own, and neither for a host call nor for a processor that others have.
//!
//! A run that yields has woken itself by the time that its poll is over, however long it then waits for its turn. One that sleeps has not.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use futures_util::task::AtomicWaker;

use super::cpu::CpuMeter;
use crate::clock::Stopwatch;

/// What one run has waited.
#[derive(Default)]
pub(super) struct Waits {
    micros: u64,
    /// It waits now.
    since: Option<Stopwatch>,
}

/// Whether the run was woken since its poll began.
#[derive(Default)]
struct Woken {
    task: AtomicWaker,
    woken: AtomicBool,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Waits {
    /// Runs it, and watches.
    pub(super) async fn watch<F: Future>(&mut self, run: F, cpu: &CpuMeter) -> F::Output {
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&woken));
        let mut run = pin!(run);
        std::future::poll_fn(|context| {
            self.micros = self.micros();
            self.since = None;
            woken.task.register(context.waker());
            woken.woken.store(false, Ordering::Release);
            let polled = run.as_mut().poll(&mut Context::from_waker(&waker));
            if polled.is_pending() && !woken.woken.load(Ordering::Acquire) && !cpu.is_outside() {
                self.since = Some(Stopwatch::start());
            }
            polled
        })
        .await
    }

    /// Microseconds so far.
    pub(super) fn micros(&self) -> u64 {
        self.micros + self.since.map_or(0, Stopwatch::micros)
    }
}
