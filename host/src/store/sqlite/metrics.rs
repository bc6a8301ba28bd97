//! What the store counts of itself. Handles only: who serves them, and under which names, is the business of whoever opens the store.

use std::cell::Cell;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds of a batch's size, in jobs: each twice the one before, up to the default of `SqliteOptions::max_batch`.
const BATCH_SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// Upper bounds of a commit's time, in seconds: from a disk that only says that it has synced to one that is about to fail.
const COMMIT_SECONDS: [f64; 12] = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0];

/// Handles that are cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct StoreMetrics {
    /// Jobs that wait for the writer.
    pub queued: Gauge,
    /// Jobs in each transaction that committed.
    pub batch_size: Histogram,
    /// Seconds that each commit took, its sync included.
    pub commit_seconds: Histogram,
    /// Commits that failed.
    pub commit_failures: Counter,
    /// Tickets that were reserved.
    pub reserved: Counter,
    /// Tickets that were confirmed.
    pub confirmed: Counter,
    /// Tickets that somebody cancelled.
    pub cancelled: Counter,
    /// Holds that ran out and were released, by a sweep or by a registration that wanted their seats.
    pub released: Counter,
    /// Entries of the audit trail that were written.
    pub audited: Counter,
    /// Entries of it that were forgotten because they were old.
    pub audit_forgotten: Counter,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            queued: Gauge::default(),
            batch_size: Histogram::new(BATCH_SIZES),
            commit_seconds: Histogram::new(COMMIT_SECONDS),
            commit_failures: Counter::default(),
            reserved: Counter::default(),
            confirmed: Counter::default(),
            cancelled: Counter::default(),
            released: Counter::default(),
            audited: Counter::default(),
            audit_forgotten: Counter::default(),
        }
    }
}

impl StoreMetrics {
    /// A transaction of `jobs` has committed within `took`, and this has become of tickets in it.
    pub(super) fn committed(&self, jobs: usize, took: Duration, changes: Changes) {
        self.batch_size.observe(f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)));
        self.commit_seconds.observe(took.as_secs_f64());
        self.reserved.inc_by(changes.reserved);
        self.confirmed.inc_by(changes.confirmed);
        self.cancelled.inc_by(changes.cancelled);
        self.released.inc_by(changes.released);
        self.audited.inc_by(changes.audited);
        self.audit_forgotten.inc_by(changes.audit_forgotten);
    }
}

/// What becomes of tickets and of the audit trail: counted for each job, and true once its transaction has committed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Changes {
    pub(super) reserved: u64,
    pub(super) confirmed: u64,
    pub(super) cancelled: u64,
    pub(super) released: u64,
    pub(super) audited: u64,
    pub(super) audit_forgotten: u64,
}

impl Changes {
    /// Both together.
    pub(super) fn add(&mut self, more: Self) {
        self.reserved += more.reserved;
        self.confirmed += more.confirmed;
        self.cancelled += more.cancelled;
        self.released += more.released;
        self.audited += more.audited;
        self.audit_forgotten += more.audit_forgotten;
    }
}

/// The account of one job. Jobs run on one thread, so a cell is enough, and use cases that only read their desk can count.
pub(super) trait Account {
    /// One change more.
    fn count(&self, change: impl FnOnce(&mut Changes));
}

impl Account for Cell<Changes> {
    fn count(&self, change: impl FnOnce(&mut Changes)) {
        let mut changes = self.get();
        change(&mut changes);
        self.set(changes);
    }
}
