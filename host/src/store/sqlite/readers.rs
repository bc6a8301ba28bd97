//! Reading connections: lent for one short transaction, bounded in number and in time.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::open::open_reader;
use super::options::SqliteOptions;
use super::trouble::Trouble;
use crate::store::StoreFailure;

/// Steps of SQLite's virtual machine between two looks at the time: some 0.1 ms. A point lookup takes fewer, and
/// never looks.
const STEPS_PER_LOOK: i32 = 10_000;

/// One connection, and whether its read has just begun.
struct Reader {
    db: Connection,
    fresh: Arc<AtomicBool>,
}

impl Reader {
    fn open(path: &Path, options: &SqliteOptions) -> rusqlite::Result<Self> {
        let mut db = open_reader(path, options)?;
        let fresh = Arc::new(AtomicBool::new(true));
        let begun = Arc::clone(&fresh);
        let limit = options.read_limit;
        let mut since: Option<Instant> = None;
        db.progress_handler(
            STEPS_PER_LOOK,
            Some(move || {
                let now = tick();
                if begun.swap(false, Ordering::Relaxed) {
                    since = Some(now);
                }
                since.is_some_and(|since| now.duration_since(since) >= limit)
            }),
        )?;
        Ok(Self { db, fresh })
    }
}

/// How long a read takes is no business of the host's clock: no answer depends on it but "too long".
#[expect(clippy::disallowed_methods, reason = "bounds real time")]
fn tick() -> Instant {
    Instant::now()
}

/// A pool of them.
pub(super) struct Readers {
    /// `None` once the store closes. Locked only to take and to put back.
    idle: Mutex<Option<Vec<Reader>>>,
    permits: Arc<Semaphore>,
    patience: Duration,
}

impl Readers {
    /// Opens `count` connections.
    pub(super) fn open(path: &Path, count: usize, options: &SqliteOptions) -> rusqlite::Result<Self> {
        let count = count.max(1);
        let readers = (0..count).map(|_| Reader::open(path, options)).collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            idle: Mutex::new(Some(readers)),
            permits: Arc::new(Semaphore::new(count)),
            patience: options.read_limit,
        })
    }

    /// Reads on the caller's thread. For point lookups and index-ordered pages only: those take microseconds, less
    /// than handing them to another thread would.
    pub(super) async fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Trouble> + Send,
    ) -> Result<T, StoreFailure> {
        let _permit = self.permit().await?;
        self.with_reader(work)
    }

    /// Reads on a thread of its own: for what may have to look at every row.
    pub(super) async fn scan<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        let permit = self.permit().await?;
        let readers = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let answer = readers.with_reader(work);
            // Here and not in the future, which may be gone long before the read is over.
            drop(permit);
            answer
        });
        answer.await.unwrap_or_else(|_| Err(StoreFailure::Internal("a read panicked".to_owned())))
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreFailure> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        match tokio::time::timeout(self.patience, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_closed)) => Err(StoreFailure::ShuttingDown),
            Err(_elapsed) => Err(StoreFailure::Overloaded),
        }
    }

    fn with_reader<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T, StoreFailure> {
        let taken = match self.lock().as_mut() {
            None => return Err(StoreFailure::ShuttingDown),
            Some(idle) => idle.pop(),
        };
        let Some(reader) = taken else { return Err(StoreFailure::Overloaded) };
        reader.fresh.store(true, Ordering::Relaxed);
        let lent = Lent { readers: self, reader: Some(reader) };
        match &lent.reader {
            Some(reader) => work(&reader.db).map_err(|trouble| trouble.failure()),
            None => Err(StoreFailure::Overloaded),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Reader>>> {
        // Nothing panics while it is held.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connections that are idle; the others close when their read is over.
    pub(super) fn close(&self) {
        self.permits.close();
        drop(self.lock().take());
    }
}

/// Goes back even when the read panics.
struct Lent<'a> {
    readers: &'a Readers,
    reader: Option<Reader>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        if !reader.db.is_autocommit() {
            // Cannot fail: it has written nothing.
            let _ = reader.db.execute_batch("ROLLBACK");
        }
        if let Some(idle) = self.readers.lock().as_mut() {
            idle.push(reader);
        }
    }
}

/// One snapshot for all that `work` reads. A single statement is one by itself.
pub(super) fn snapshot<T>(db: &Connection, work: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T, Trouble> {
    db.prepare_cached("BEGIN DEFERRED")?.execute([])?;
    // After a failure the pool ends the transaction.
    let answer = work(db)?;
    db.prepare_cached("COMMIT")?.execute([])?;
    Ok(answer)
}
