//! Every limit of the store, with its unit and its reason.

use std::time::Duration;

#[cfg(feature = "seeded-faults")]
use super::faults::Faults;
use super::metrics::StoreMetrics;

/// How the store is run.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Jobs that may wait for the writer. A full queue answers `Overloaded` at once: 4,096 jobs are about 50 ms of
    /// work, and whoever waited longer than that would only wait longer.
    pub queue: usize,
    /// Most jobs in one commit. 256 share one fsync well, and hold the first of them up by about 3 ms.
    pub max_batch: usize,
    /// Connections for point lookups and index-ordered pages. They run on the caller's thread without waiting, so
    /// more than there are worker threads are of no use.
    pub readers: usize,
    /// Connections for scans, apart from the others, so that slow searches cannot keep a lookup waiting.
    pub scan_readers: usize,
    /// How long to wait for a free reading connection, and how long one read may take. Bounded, because a reader
    /// pins the write-ahead log, which grows as long as it is pinned.
    pub read_limit: Duration,
    /// How long to wait for a lock of another process, such as an operator's `sqlite3`. Below the 5 s in which
    /// the host drains.
    pub busy_timeout: Duration,
    /// Pages of write-ahead log after which the writer moves it into the database: 16 MiB. A
    /// page that changes often is then moved once for many commits; at SQLite's own 1,000 moving took as long as
    /// committing. A start after a crash reads as much again.
    pub checkpoint_pages: u32,
    /// What the store counts of itself.
    pub metrics: StoreMetrics,
    /// Mutants and a failing disk, for tests.
    #[cfg(feature = "seeded-faults")]
    pub faults: Faults,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            queue: 4096,
            max_batch: 256,
            readers: 8,
            scan_readers: 2,
            read_limit: Duration::from_secs(1),
            busy_timeout: Duration::from_secs(2),
            checkpoint_pages: 4000,
            metrics: StoreMetrics::default(),
            #[cfg(feature = "seeded-faults")]
            faults: Faults::default(),
        }
    }
}
