//! A shadow: another module answers the same requests beside the one that is served, changes nothing, and every difference is kept.
//!
//! The candidate gets the request and what the active run was told; see [`Playback::beside`](crate::wasm::Playback::beside). It runs on a
//! thread of its own at the lowest priority and in a lane of its own, so that no client ever waits for it: what there is no room for is
//! dropped, and counted.

mod candidate;
mod compare;
mod example;
mod mask;
mod tally;
mod thread;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::domain::Millis;
use crate::metrics::Outcomes;
use crate::seen::Seen;
use crate::store::sqlite::ReadOnly;
use crate::wasm::Module;
use candidate::Candidate;
pub use example::{Example, Kind};
use tally::Tally;
pub use tally::{RouteCount, ShadowReport};

/// Most requests that wait.
const QUEUE: usize = 64;
/// Most bytes of those that wait or are compared: some 20 of the largest answers.
const QUEUE_BYTES: usize = 32 * 1024 * 1024;

/// A candidate at work. When it is dropped the work ends, soon and without anybody waiting for it; what has not been compared by then never is.
pub struct Shadow {
    candidate: Arc<Candidate>,
    since: Millis,
    jobs: mpsc::Sender<Job>,
    _end: oneshot::Sender<()>,
}

/// A request that waits, and the room that it takes.
struct Job {
    seen: Arc<Seen>,
    _room: Room,
}

/// Bytes of the queue, until it is dropped.
struct Room {
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Shadow {
    /// Lets a candidate run beside the module that is served, on what is read from `store`.
    ///
    /// # Arguments
    /// `max_body`: the host's limit of a body, in bytes. `since`: now, for the report. `outcomes`: counts the same for the metrics.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(
        module: Arc<Module>,
        store: Arc<ReadOnly>,
        max_body: usize,
        since: Millis,
        outcomes: Outcomes,
    ) -> io::Result<Self> {
        let tally = Tally::new(outcomes);
        let candidate = Arc::new(Candidate { module, store, max_body, tally, taken: Arc::default() });
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let (end, ended) = oneshot::channel();
        thread::start(Arc::clone(&candidate), waiting, ended)?;
        Ok(Self { candidate, since, jobs, _end: end })
    }

    /// The module that runs as a shadow.
    #[must_use]
    pub fn module(&self) -> &Arc<Module> {
        &self.candidate.module
    }

    /// Since when it runs.
    #[must_use]
    pub fn since(&self) -> Millis {
        self.since
    }

    /// Whether another request has room: to be asked before anything is copied for it.
    #[must_use]
    pub(crate) fn has_room(&self) -> bool {
        self.jobs.capacity() > 0 && self.candidate.taken.load(Ordering::Relaxed) < QUEUE_BYTES
    }

    /// Counts a request that there was no room for.
    pub(crate) fn pass_over(&self) {
        self.candidate.tally.dropped();
    }

    /// Hands over a request and what came of it; never waits.
    pub(crate) fn offer(&self, seen: Arc<Seen>) {
        let (bytes, taken) = (seen.weight(), Arc::clone(&self.candidate.taken));
        // Asked again: others that were running at the same time have had their room since.
        let fits = taken.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= QUEUE_BYTES;
        let room = Room { bytes, taken };
        if !fits || self.jobs.try_send(Job { seen, _room: room }).is_err() {
            self.pass_over();
        }
    }

    /// What has been found so far.
    #[must_use]
    pub fn report(&self) -> ShadowReport {
        self.candidate.tally.report()
    }
}
