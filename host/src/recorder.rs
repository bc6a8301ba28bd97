//! Keeps failing requests, and a sample of all, in files: whole, so that they can be run again; see [`file`].
//!
//! A request never waits for it: what has no place in the queue, or on the disk, is lost, and told in the log.

pub(crate) mod file;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::config::RecordingSettings;
use crate::domain::Millis;
use crate::metrics::Outcomes;
use crate::private_folder::{Bounds, Durability, Others, PrivateFolder, Unusable};
use crate::seen::{Came, Seen};
use crate::wasm::Cause;
use file::{MAX_FILE, RecordedRequest, Why};

/// Most recordings that wait to be written.
const QUEUE: usize = 32;
/// Most bytes of them: some of the largest.
const QUEUE_BYTES: usize = 32 * 1024 * 1024;

/// Decides what is kept, and hands it to a thread that writes.
pub(crate) struct Recorder {
    /// One in so many requests is kept, whatever comes of it; 0: none.
    sample: u64,
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Recordings that had no place.
    lost: AtomicU64,
    /// Bytes that wait.
    waiting: AtomicUsize,
}

struct Job {
    seen: Arc<Seen>,
    why: Why,
    at: Millis,
}

impl Recorder {
    /// Whether the folder, where it is there already, can be one of recordings; makes nothing.
    ///
    /// # Errors
    /// It is not private: in words, with the flag.
    pub(crate) fn check(folder: &Path) -> Result<(), String> {
        match PrivateFolder::open(folder, Others::MayNothing) {
            Err(why) if !why.is_missing() => Err(format!("--record {}: {why}", folder.display())),
            _ => Ok(()),
        }
    }

    /// Keeps recordings in the folder that the settings name.
    ///
    /// # Errors
    /// The folder is not private or cannot be made, or no thread be started: in words, with the flag.
    pub(crate) fn start(folder: &Path, settings: &RecordingSettings, outcomes: Outcomes) -> Result<Self, String> {
        let path = folder.to_owned();
        let refuse = |why: &dyn std::fmt::Display| format!("--record {}: {why}", path.display());
        // Now, and not with the first failing request.
        PrivateFolder::make(&path, Others::MayNothing).map_err(|why| refuse(&why))?;
        let bounds = Bounds { files: settings.record_files as usize, bytes: settings.record_bytes.0 as u64 };
        let shared = Arc::<Shared>::default();
        let (jobs, waiting) = sync_channel(QUEUE);
        let writer = Writer { path: path.clone(), bounds, shared: Arc::clone(&shared), outcomes, failing: false };
        let thread = std::thread::Builder::new().name("recorder".into()).spawn(move || writer.write_all(&waiting));
        let thread = Mutex::new(Some(thread.map_err(|error| refuse(&error))?));
        tracing::warn!(folder = %path.display(), "requests that fail are recorded, with all personal data in them");
        Ok(Self { sample: settings.record_sample.into(), jobs: Mutex::new(Some(jobs)), thread, shared })
    }

    /// Keeps the request if it is one to be kept; never waits.
    pub(crate) fn offer(&self, seen: &Arc<Seen>, at: Millis) {
        let Some(why) = self.why(seen) else { return };
        let bytes = seen.weight();
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(jobs) = jobs.as_ref() else { return };
        let room = self.shared.waiting.fetch_add(bytes, Ordering::Relaxed) < QUEUE_BYTES;
        let sent = room && jobs.try_send(Job { seen: Arc::clone(seen), why, at }).is_ok();
        if !sent {
            self.shared.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn why(&self, seen: &Seen) -> Option<Why> {
        seen.ran.as_ref()?;
        match &seen.came {
            // It never began: there is nothing to run again.
            Came::Failed(failure) if failure.cause == Cause::NoInstance => None,
            came if came.is_failure() => Some(Why::Failure),
            // The seed is random, and its own in each request.
            _ if self.sample > 0 && seen.seed.is_multiple_of(self.sample) => Some(Why::Sample),
            _ => None,
        }
    }

    /// Writes what waits, and ends.
    pub(crate) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Joining blocks. A panic was told by the hook.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// The end that writes.
struct Writer {
    path: PathBuf,
    bounds: Bounds,
    shared: Arc<Shared>,
    outcomes: Outcomes,
    /// Whether the last one failed: then the next that does is not told again.
    failing: bool,
}

impl Writer {
    fn write_all(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let weight = job.seen.weight();
            let written = self.write(&job);
            self.shared.waiting.fetch_sub(weight, Ordering::Relaxed);
            if let Err(why) = &written
                && !self.failing
            {
                tracing::warn!(folder = %self.path.display(), "a request was not recorded: {why}");
            }
            self.failing = written.is_err();
            self.outcomes.count(if self.failing { "failed" } else { "kept" });
            let lost = self.shared.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                self.outcomes.add("dropped", lost);
                tracing::warn!(lost, "requests were not recorded: they came faster than they could be written");
            }
        }
    }

    fn write(&self, job: &Job) -> Result<(), Unusable> {
        let Some(recorded) = RecordedRequest::of(&job.seen, job.why, job.at) else { return Ok(()) };
        let text = serde_json::to_vec_pretty(&recorded).map_err(std::io::Error::other)?;
        let (size, most) = (text.len() as u64, self.bounds.bytes.min(MAX_FILE));
        if size > most {
            return Err(Unusable::Refused(format!("it has {size} bytes, more than {most} (--record-bytes)")));
        }
        let folder = PrivateFolder::make(&self.path, Others::MayNothing)?;
        // First, so that the bounds hold at all times.
        let others = Bounds { files: self.bounds.files.saturating_sub(1), bytes: self.bounds.bytes - size };
        folder.prune(file::is_recording, others, "")?;
        // Without a sync: it is a help, and what a crash leaves unwritten is refused by name.
        folder.write(&recorded.file_name(), &[&text], Durability::Lazy)
    }
}
