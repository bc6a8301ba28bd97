//! The writer: one thread, one writing connection, one commit for all that has queued.

use std::cell::Cell;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection};
use tokio::sync::{oneshot, watch};

use super::faults::{Faults, mutant};
use super::job::{Desk, Effect, Job, UseCase};
use super::metrics::{Changes, StoreMetrics};
use super::options::SqliteOptions;
use super::stamps::{Ledger, Stamps};
use super::trouble::Trouble;
use crate::clock::Stopwatch;
use crate::domain::IdSource;
use crate::store::{Outcome, StoreFailure};

/// Takes jobs.
const OPEN: u8 = 0;
/// Finishes the running batch and discards the rest.
const CLOSING: u8 = 1;
/// A commit failed in a way that leaves its outcome open: nothing is written any more.
const FAILED: u8 = 2;

/// How many times its usual length the log may have before readers are waited for to cut it off.
const LOG_FACTOR: u32 = 4;
/// How long a checkpoint waits for readers: writes wait as long.
const CHECKPOINT_WAIT: Duration = Duration::from_millis(50);
/// How long the last checkpoint waits for readers: the process has a second to end.
const LAST_CHECKPOINT_WAIT: Duration = Duration::from_millis(300);

enum Message {
    Job(Box<dyn Job>),
    /// Wakes a writer that waits, so that it sees that the store closes.
    Stop,
}

/// The way to the writer.
#[derive(Debug)]
pub(super) struct Writer {
    inbox: SyncSender<Message>,
    state: Arc<AtomicU8>,
    fatal: watch::Receiver<Option<String>>,
    fatal_sender: watch::Sender<Option<String>>,
    stamps: Stamps,
    metrics: StoreMetrics,
}

impl Writer {
    /// Starts the thread. It ends only when `others_open` has lost its sender: only the connection that closes last tidies the log away.
    pub(super) fn start(
        mut db: Connection,
        ids: IdSource,
        options: &SqliteOptions,
        faults: Faults,
        others_open: Receiver<Infallible>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (inbox, jobs) = sync_channel(options.queue);
        let (fatal, fatal_seen) = watch::channel(None);
        let fatal_sender = fatal.clone();
        let state = Arc::new(AtomicU8::new(OPEN));
        let log_pages = Arc::new(AtomicU32::new(0));
        let pages_seen = Arc::clone(&log_pages);
        // Cannot fail but for want of memory; then the log would only be cut off on closing.
        let _ = db.wal_hook(Some(move |_: &mut _, pages| {
            pages_seen.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }));
        let stamps = Stamps::default();
        let writer = Thread {
            db,
            ids,
            jobs,
            state: Arc::clone(&state),
            fatal,
            faults,
            log_pages,
            max_batch: options.max_batch.max(1),
            checkpoint_pages: options.checkpoint_pages.max(1),
            tried_at: 0,
            busy_timeout: options.busy_timeout,
            others_open,
            stamps: stamps.clone(),
            ledger: Ledger::default(),
            metrics: options.metrics.clone(),
        };
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || writer.run())?;
        let metrics = options.metrics.clone();
        Ok((Self { inbox, state, fatal: fatal_seen, fatal_sender, stamps, metrics }, thread))
    }

    /// Queues `work` and waits until its outcome is durable.
    pub(super) async fn submit<T, R, W>(&self, work: W) -> Outcome<T, R>
    where
        T: Send + 'static,
        R: Send + 'static,
        W: FnMut(&mut Desk<'_>) -> Result<Result<T, R>, Trouble> + Send + 'static,
    {
        if self.state.load(Ordering::Acquire) != OPEN {
            return Err(StoreFailure::ShuttingDown);
        }
        let (reply, answer) = oneshot::channel();
        // Counted first, so that the writer, which counts down, is never ahead.
        self.metrics.queued.inc();
        if let Err(unsent) = self.inbox.try_send(Message::Job(Box::new(UseCase::new(work, reply)))) {
            self.metrics.queued.dec();
            return Err(match unsent {
                TrySendError::Full(_) => StoreFailure::Overloaded,
                TrySendError::Disconnected(_) => StoreFailure::ShuttingDown,
            });
        }
        // A job answers even when it is dropped; this is for the reader of this line.
        answer.await.unwrap_or(Err(StoreFailure::OutcomeUnknown))
    }

    /// From now on no job begins.
    pub(super) fn begin_shutdown(&self) {
        // A writer that failed stays failed.
        let _ = self.state.compare_exchange(OPEN, CLOSING, Ordering::AcqRel, Ordering::Acquire);
        // Full: then it is awake anyway.
        let _ = self.inbox.try_send(Message::Stop);
    }

    /// From now on nothing is written, and the host is told why.
    pub(super) fn give_up(&self, why: String) {
        if self.state.swap(FAILED, Ordering::AcqRel) != FAILED {
            tracing::error!(why, "the store takes no more writes");
            self.fatal_sender.send_replace(Some(why));
        }
    }

    /// Names the state that readers see.
    pub(super) fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// Tells of the failure after which nothing is written any more.
    pub(super) fn fatal(&self) -> watch::Receiver<Option<String>> {
        self.fatal.clone()
    }
}

/// What the thread owns.
struct Thread {
    db: Connection,
    ids: IdSource,
    jobs: Receiver<Message>,
    state: Arc<AtomicU8>,
    fatal: watch::Sender<Option<String>>,
    faults: Faults,
    /// Pages in the write-ahead log as of the last commit.
    log_pages: Arc<AtomicU32>,
    max_batch: usize,
    checkpoint_pages: u32,
    /// The log's pages when a checkpoint last got nowhere; 0 if it did not.
    tried_at: u32,
    busy_timeout: Duration,
    /// Lasts as long as the readers do.
    others_open: Receiver<Infallible>,
    stamps: Stamps,
    ledger: Ledger,
    metrics: StoreMetrics,
}

/// What a job left behind that ran without a savepoint.
enum Plain {
    /// Done, to be answered after the commit, and what it has made of tickets.
    Done(Box<dyn Job>, Changes),
    /// Nothing; it has its answer.
    Over,
    /// What is not to stay, or who knows what.
    ToBeUndone(Box<dyn Job>),
}

/// What a job left behind that ran in a savepoint.
enum Step {
    /// Done, to be answered after the commit, and what it has made of tickets.
    Done(Box<dyn Job>, Changes),
    /// Nothing; it has its answer.
    Over,
    /// The whole transaction is gone, and why.
    Lost(StoreFailure),
}

impl Thread {
    fn run(mut self) {
        let ended = catch_unwind(AssertUnwindSafe(|| {
            while let Ok(Message::Job(job)) = self.jobs.recv() {
                self.metrics.queued.dec();
                self.batch(job);
                self.checkpoint();
                if !self.is_open() {
                    break;
                }
            }
        }));
        if ended.is_err() {
            self.give_up("the writer panicked".to_owned());
        }
        self.finish();
    }

    fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) == OPEN
    }

    /// One transaction for the first job and whatever has queued by the time the last one is done. No timer: the
    /// queue fills while the disk syncs.
    ///
    /// Nearly all jobs leave what they have written, or write nothing; so they run without savepoints, for each of which SQLite copies every
    /// page that the job touches. One that has something to be undone makes the batch begin again, with savepoints.
    fn batch(&mut self, first: Box<dyn Job>) {
        if let Err(error) = execute(&self.db, "BEGIN IMMEDIATE") {
            return self.refuse(first, &Trouble::Sql(error).failure());
        }
        let mut done = Vec::with_capacity(self.max_batch.min(256));
        let (mut taken, mut changes) = (0, Changes::default());
        let mut next = Some(first);
        while let Some(job) = next {
            taken += 1;
            match self.step_plainly(job) {
                Plain::Done(job, made) => {
                    done.push(job);
                    changes.add(made);
                }
                Plain::Over => {}
                Plain::ToBeUndone(job) => {
                    done.push(job);
                    return self.again(done);
                }
            }
            next = if taken < self.max_batch { self.queued() } else { None };
        }
        self.commit(done, changes);
    }

    /// The same jobs from the start, each in a savepoint of its own. Nobody was told anything of the first time.
    fn again(&mut self, jobs: Vec<Box<dyn Job>>) {
        if !self.roll_back() {
            return fail_all(jobs, &StoreFailure::Internal("a batch could not be rolled back".to_owned()));
        }
        if let Err(error) = execute(&self.db, "BEGIN IMMEDIATE") {
            return fail_all(jobs, &Trouble::Sql(error).failure());
        }
        let (mut done, mut changes) = (Vec::with_capacity(jobs.len()), Changes::default());
        let mut jobs = jobs.into_iter();
        while let Some(job) = jobs.next() {
            match self.step(job) {
                Step::Done(job, made) => {
                    done.push(job);
                    changes.add(made);
                }
                Step::Over => {}
                Step::Lost(failure) => return fail_all(done.into_iter().chain(jobs), &failure),
            }
        }
        self.commit(done, changes);
    }

    /// Runs one job without a savepoint.
    fn step_plainly(&mut self, mut job: Box<dyn Job>) -> Plain {
        if !self.is_wanted(job.as_mut()) {
            return Plain::Over;
        }
        let (before, changes) = (self.db.total_changes(), Cell::default());
        let mut desk = Desk { db: &self.db, ids: &mut self.ids, faults: &self.faults, changes: &changes };
        let changes = match catch_unwind(AssertUnwindSafe(|| job.run(&mut desk))) {
            Ok(Ok(Effect::Written)) => changes.get(),
            Ok(Ok(Effect::Refused)) if self.db.total_changes() == before => Changes::default(),
            _ if mutant!(self.faults, HalfAJobStays) => {
                job.fail(StoreFailure::Internal("half a job".to_owned()));
                return Plain::Over;
            }
            // A refusal that has written before, a failure, a panic: the second time tells.
            _ => return Plain::ToBeUndone(job),
        };
        if mutant!(self.faults, AcknowledgeBeforeCommit) {
            job.answer();
        }
        Plain::Done(job, changes)
    }

    /// Whether the job is to be run: the store is open, and somebody waits for it.
    fn is_wanted(&self, job: &mut dyn Job) -> bool {
        if !self.is_open() {
            job.fail(StoreFailure::ShuttingDown);
            return false;
        }
        !job.abandoned()
    }

    fn queued(&self) -> Option<Box<dyn Job>> {
        match self.jobs.try_recv() {
            Ok(Message::Job(job)) => {
                self.metrics.queued.dec();
                Some(job)
            }
            Ok(Message::Stop) | Err(_) => None,
        }
    }

    /// No transaction could begin: whoever has queued meanwhile would wait just as long for the same.
    fn refuse(&self, first: Box<dyn Job>, failure: &StoreFailure) {
        // All of them first: whoever asks again after the first answer is not one of them.
        let waiting: Vec<_> = std::iter::from_fn(|| self.queued()).take(self.max_batch).collect();
        fail_all(std::iter::once(first).chain(waiting), failure);
    }

    /// Runs one job in its own savepoint, so that one that fails or panics fails alone.
    fn step(&mut self, mut job: Box<dyn Job>) -> Step {
        if !self.is_wanted(job.as_mut()) {
            return Step::Over;
        }
        let ran = self.in_savepoint(job.as_mut());
        let failure = match ran {
            Ok(changes) => {
                if mutant!(self.faults, AcknowledgeBeforeCommit) {
                    job.answer();
                }
                return Step::Done(job, changes);
            }
            Err(trouble) => trouble.failure(),
        };
        // SQLite rolls everything back by itself where it must (FULL, IOERR, NOMEM); then the savepoint is gone
        // too, and with it what the batch has done so far.
        let undone = !self.db.is_autocommit() && self.undo_savepoint().is_ok();
        if undone {
            job.fail(failure);
            return Step::Over;
        }
        self.roll_back();
        job.fail(failure.clone());
        Step::Lost(failure)
    }

    /// Gives what it has made of tickets.
    fn in_savepoint(&mut self, job: &mut dyn Job) -> Result<Changes, Trouble> {
        execute(&self.db, "SAVEPOINT job")?;
        let changes = Cell::default();
        let mut desk = Desk { db: &self.db, ids: &mut self.ids, faults: &self.faults, changes: &changes };
        match catch_unwind(AssertUnwindSafe(|| job.run(&mut desk))) {
            Ok(Ok(Effect::Written)) => execute(&self.db, "RELEASE job")?,
            Ok(Ok(Effect::Refused)) => {
                self.undo_savepoint()?;
                return Ok(Changes::default());
            }
            Ok(Err(trouble)) => return Err(trouble),
            Err(_) => return Err(Trouble::Broken("a job of the writer panicked")),
        }
        Ok(changes.get())
    }

    fn undo_savepoint(&self) -> rusqlite::Result<()> {
        execute(&self.db, "ROLLBACK TO job")?;
        execute(&self.db, "RELEASE job")
    }

    /// Commits, and only then answers, refusals too: they may rest on what the batch has written.
    fn commit(&mut self, done: Vec<Box<dyn Job>>, changes: Changes) {
        let watch = Stopwatch::start();
        let moves = self.ledger.has_moved(&self.db);
        let last = mutant!(self.faults, StampAfterAnswers);
        let late = mutant!(self.faults, StampAfterCommit);
        if moves && !late && !last {
            self.stamps.unsettle();
        }
        self.faults.dawdle();
        let Err(error) = self.faults.commit(&self.db, |db| execute(db, "COMMIT")) else {
            // Before the answers: whoever has one finds itself counted, and nothing that is kept from before.
            self.metrics.committed(done.len(), watch.elapsed(), changes);
            self.faults.dawdle();
            if moves && !last {
                self.stamps.settle();
            }
            for mut job in done {
                job.answer();
            }
            self.faults.dawdle();
            if moves && last {
                self.stamps.settle();
            }
            return;
        };
        self.metrics.commit_failures.inc();
        if Trouble::surely_undone(&error) && self.roll_back() {
            if moves {
                self.stamps.settle();
            }
            tracing::warn!(%error, "a commit failed, nothing was written");
            return fail_all(done, &StoreFailure::Overloaded);
        }
        // A failed sync is no rollback: the rows may be there on reopening, or they may not. The stamp stays unsettled.
        self.give_up(format!("a commit failed, its outcome is unknown: {}", Trouble::Sql(error)));
        fail_all(done, &StoreFailure::OutcomeUnknown);
    }

    /// Whether no transaction is open afterwards. If one is, the connection is of no more use.
    fn roll_back(&mut self) -> bool {
        if !self.db.is_autocommit()
            && let Err(error) = execute(&self.db, "ROLLBACK")
        {
            self.give_up(format!("a rollback failed: {}", Trouble::Sql(error)));
        }
        self.db.is_autocommit()
    }

    fn give_up(&self, why: String) {
        self.state.store(FAILED, Ordering::Release);
        tracing::error!(why, "the store takes no more writes");
        self.fatal.send_replace(Some(why));
    }

    /// Moves the log into the database. After the answers, not inside the commit as SQLite would have it; and here
    /// only, since a checkpoint beside a write has lost data before (fixed in SQLite 3.51.3).
    ///
    /// One that got nowhere, because a reader holds on to the log, is tried again only when the log has grown by as much again:
    /// meanwhile nobody waits for it.
    fn checkpoint(&mut self) {
        let pages = self.log_pages.load(Ordering::Relaxed);
        if pages < self.tried_at {
            // It has started over.
            self.tried_at = 0;
        }
        if pages < self.tried_at.saturating_add(self.checkpoint_pages) || !self.is_open() {
            return;
        }
        // A passive one never waits, so steady readers can keep it from ever starting over at the log's beginning.
        let sql = if pages < self.checkpoint_pages.saturating_mul(LOG_FACTOR) {
            "PRAGMA wal_checkpoint(PASSIVE)"
        } else {
            "PRAGMA wal_checkpoint(TRUNCATE)"
        };
        // Not fatal: the log has everything, synced, and the next one does all of it again.
        match self.checkpoint_with(sql) {
            Ok((false, log, moved)) if log == moved => self.tried_at = 0,
            Ok((busy, log, moved)) => {
                self.tried_at = pages;
                if pages >= self.checkpoint_pages.saturating_mul(LOG_FACTOR) {
                    tracing::warn!(busy, pages = log, moved, "a reader keeps the write-ahead log from being cut off");
                }
            }
            Err(error) => {
                self.tried_at = pages;
                tracing::warn!(%error, pages, "a checkpoint failed");
            }
        }
    }

    /// Whether it was kept from it, the log's pages, and how many of them are in the database.
    fn checkpoint_with(&self, sql: &str) -> rusqlite::Result<(bool, i64, i64)> {
        self.db.busy_timeout(CHECKPOINT_WAIT)?;
        let result = self
            .db
            .prepare_cached(sql)
            .and_then(|mut sql| sql.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))));
        self.db.busy_timeout(self.busy_timeout)?;
        result
    }

    /// Nothing begins any more; what waits is told so, and the log is moved into the database.
    fn finish(self) {
        let failed = self.state.load(Ordering::Acquire) == FAILED;
        drop(self.jobs);
        self.metrics.queued.set(0);
        // Nothing is ever sent.
        let _ = self.others_open.recv();
        if failed {
            // What is in the log stays as it is, for the next start to judge.
            let _ = self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        } else {
            let _ = self.db.busy_timeout(LAST_CHECKPOINT_WAIT);
            if let Err(error) = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
                tracing::warn!(%error, "the last checkpoint failed; the next start does it");
            }
        }
        if let Err((_, error)) = self.db.close() {
            tracing::warn!(%error, "the database did not close");
        }
    }
}

fn execute(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    let mut statement: CachedStatement<'_> = db.prepare_cached(sql)?;
    statement.execute([]).map(|_| ())
}

fn fail_all(jobs: impl IntoIterator<Item = Box<dyn Job>>, failure: &StoreFailure) {
    for mut job in jobs {
        job.fail(failure.clone());
    }
}
