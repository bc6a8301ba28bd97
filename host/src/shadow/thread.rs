//! The thread that shadows run on: one, so that they take no more than one processor, and only when nobody else wants it.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use rustix::process::setpriority_process;
use tokio::sync::{mpsc, oneshot};

use super::Job;
use super::candidate::Candidate;

/// Requests that are compared at the same time: one, and one more where that one waits.
const AT_ONCE: usize = 2;
/// The lowest priority that there is.
const NICE: i32 = 19;

/// Starts it. It ends with `ended`, or when no more jobs can come.
pub(super) fn start(
    candidate: Arc<Candidate>,
    jobs: mpsc::Receiver<Job>,
    ended: oneshot::Receiver<()>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let work = move || {
        // Linux has priorities of threads: nobody is the calling one, and those that it starts have its own.
        if let Err(error) = setpriority_process(None, NICE) {
            tracing::warn!("the shadow runs at the usual priority: {error}");
        }
        runtime.block_on(async move {
            tokio::select! {
                // Nothing is ever sent: its sender goes with the shadow.
                _ = ended => {}
                () = serve(&candidate, jobs) => {}
            }
        });
    };
    // Whoever waited for it would wait for the lowest priority; what it holds goes with it.
    std::thread::Builder::new().name("shadow".into()).spawn(work).map(drop)
}

async fn serve(candidate: &Candidate, mut jobs: mpsc::Receiver<Job>) {
    let jobs = stream::poll_fn(move |context| jobs.poll_recv(context));
    jobs.for_each_concurrent(AT_ONCE, async |job| {
        // A fault of ours ends one comparison, and is said once in the log by the hook for panics.
        if AssertUnwindSafe(candidate.look_at(&job.seen)).catch_unwind().await.is_err() {
            candidate.tally.dropped();
        }
    })
    .await;
}
