//! The store on `SQLite`: one writer thread that commits for everybody who has queued, and a few readers.
//!
//! | file | what |
//! |---|---|
//! | `lock`, `inspect`, `open`, `migrate` | from a path to a connection, or a refusal that leaves the file as it was |
//! | `writer`, `job` | queue, batch, commit, then answer |
//! | `readers` | short reads beside it |
//! | `beside` | reads for shadows, which delay nobody |
//! | `register`, `tickets`, `events`, `expire`, `seats`, `audit` | the use cases: literal SQL on a connection |
//! | `keys` | API keys |
//! | `rows`, `cursor`, `hints`, `trouble` | what they share |
//! | `invariants`, `faults` | the proof, and the mutants that it must catch |
//! | `stamps` | which state readers see: for what others keep of their reads |
//! | `metrics` | what it counts of itself |

mod audit;
mod beside;
mod cursor;
mod events;
mod expire;
mod faults;
mod hints;
mod inspect;
mod invariants;
mod job;
mod keys;
mod lock;
mod metrics;
mod migrate;
mod open;
mod options;
mod readers;
mod register;
mod rows;
mod seats;
mod stamps;
mod tickets;
mod trouble;
mod writer;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;

pub use self::beside::ReadOnly;
#[cfg(feature = "seeded-faults")]
pub use self::faults::Faults;
#[cfg(not(feature = "seeded-faults"))]
use self::faults::Faults;
use self::faults::mutant;
#[cfg(feature = "seeded-faults")]
pub use self::faults::{CommitFault, SeededFault};
use self::hints::{Hint, Hints};
pub use self::invariants::violations;
pub use self::keys::SecretHash;
use self::lock::HostLock;
pub use self::metrics::StoreMetrics;
pub use self::open::OpenError;
pub use self::options::SqliteOptions;
use self::readers::{Readers, snapshot};
use self::register::Look;
use self::writer::Writer;
use super::{
    ConfirmRefusal, ListRefusal, Outcome, RegisterRefusal, Registered, Stamp, Store, StoreFailure, Swept,
    TicketNotFound, UpdateRefusal,
};
use crate::domain::{
    Actor, AuditEntry, AuditQuery, Event, EventId, EventPatch, EventQuery, IdSource, Millis, NewEvent, Page, Principal,
    Registration, Ticket, TicketFilter, TicketId, TicketQuery,
};

/// The store on one database file, of which it is the only owner as long as it is open.
pub struct SqliteStore {
    path: PathBuf,
    /// Of the file at that path when it was opened.
    identity: (u64, u64),
    writer: Writer,
    /// For point lookups and pages.
    points: Readers,
    /// For searches.
    scans: Arc<Readers>,
    /// For a shadow: one, so that it waits for itself alone, and clients never for it.
    beside: Arc<Readers>,
    hints: Hints,
    faults: Faults,
    running: Mutex<Option<Running>>,
}

/// What must end, in this order, before another host may open the database.
struct Running {
    thread: JoinHandle<()>,
    /// Dropped when idle readers have closed, so that the writer closes last. (One that is in the middle of a scan closes after it; then
    /// the log stays, empty.)
    readers_open: Sender<Infallible>,
    lock: HostLock,
}

impl Running {
    fn end(self) {
        drop(self.readers_open);
        // A panic of the writer has been reported as fatal already.
        let _ = self.thread.join();
        drop(self.lock);
    }
}

impl SqliteStore {
    /// Opens the database at `path`, or makes it. Blocks for a few milliseconds; reads no clock.
    ///
    /// # Errors
    /// Why not; the file was left as it was.
    #[expect(clippy::needless_pass_by_value, reason = "the store is what becomes of them")]
    pub fn open(path: &Path, options: SqliteOptions, ids: IdSource) -> Result<Self, OpenError> {
        #[cfg(feature = "seeded-faults")]
        let faults = options.faults.clone();
        #[cfg(not(feature = "seeded-faults"))]
        let faults = Faults;
        let path = inspect::locate(path)?;
        let lock = HostLock::take(&path)?;
        let db = open::open_writer(&path, &options)?;
        let io = |detail: String| OpenError::Io { path: path.clone(), detail };
        #[cfg(feature = "seeded-faults")]
        faults.prepare(&db).map_err(|error| io(error.to_string()))?;
        let readers = |count| Readers::open(&path, count, &options).map_err(|error| io(error.to_string()));
        let points = readers(options.readers)?;
        let scans = Arc::new(readers(options.scan_readers)?);
        let beside = Arc::new(readers(1)?);
        let (readers_open, others_open) = channel();
        let started = Writer::start(db, ids, &options, faults.clone(), others_open);
        let (writer, thread) = started.map_err(|error| io(error.to_string()))?;
        let running = Mutex::new(Some(Running { thread, readers_open, lock }));
        let identity = inspect::identity(&path).map_err(|error| io(error.to_string()))?;
        Ok(Self { path, identity, writer, points, scans, beside, hints: Hints::new(), faults, running })
    }

    /// Waits until no more can be written because a commit failed and left its outcome open, and says why. The host
    /// then ends with a failure, and the next start finds out what is there. Never comes back otherwise.
    pub fn fatal(&self) -> impl Future<Output = String> + Send + use<> {
        let mut seen = self.writer.fatal();
        async move {
            if let Ok(why) = seen.wait_for(Option::is_some).await
                && let Some(why) = why.clone()
            {
                return why;
            }
            // The writer ended in peace.
            std::future::pending().await
        }
    }

    /// From now on no write begins: those that wait and those that come are answered `ShuttingDown`. The batch that
    /// is running commits. Reads go on.
    pub fn begin_shutdown(&self) {
        self.writer.begin_shutdown();
    }

    /// Ends it: the running batch commits, the log moves into the database, the files close, the lock goes. Returns
    /// when that is done, which takes as long as the disk does; drop it to wait no longer. The second call does
    /// nothing.
    pub async fn close(&self) {
        if let Some(running) = self.stop() {
            // Joining blocks, so not on a thread that serves requests.
            let _ = tokio::task::spawn_blocking(move || running.end()).await;
        }
    }

    fn stop(&self) -> Option<Running> {
        self.begin_shutdown();
        // Before the writer, which closes the last connection: only that one cleans up.
        self.points.close();
        self.scans.close();
        self.beside.close();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Proves what is promised, on the live database; see [`violations`]. On a connection and a thread of its own,
    /// since it reads everything.
    pub async fn invariants(&self) -> Result<Vec<String>, StoreFailure> {
        let path = self.path.clone();
        let proof = tokio::task::spawn_blocking(move || {
            open::open_reader(&path, &SqliteOptions::default()).and_then(|db| violations(&db))
        });
        match proof.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(trouble::Trouble::Sql(error).failure()),
            Err(_) => Err(StoreFailure::Internal("the proof panicked".to_owned())),
        }
    }

    /// Holds that are live at `now`. Reads an index, on a thread of its own, for as long as one read may take.
    ///
    /// # Errors
    /// The readers are busy or the store closes; then nothing is known.
    pub async fn live_holds(&self, now: Millis) -> Result<u64, StoreFailure> {
        self.scans.scan(move |db| expire::live(db, now)).await
    }

    /// Bytes of the write-ahead log on disk; `None`: there is none, or it cannot be seen. Looks at the file's name, and opens nothing.
    #[must_use]
    pub fn log_bytes(&self) -> Option<u64> {
        inspect::log_bytes(&self.path)
    }

    /// Whether a reader's snapshot shows that the event is sold out. Only asked when a hint says that it may be.
    async fn is_sold_out(&self, now: Millis, owner: &str, wish: &Registration, hint: Hint) -> bool {
        if !self.hints.has(hint) {
            return false;
        }
        if mutant!(self.faults, HintIsAPromise) {
            return true;
        }
        match self.points.read(|db| register::look(db, now, owner, wish)).await {
            Ok(Look::SoldOut) => true,
            Ok(Look::Seats) => {
                self.hints.clear(hint);
                false
            }
            // The writer answers everything; this was only a shortcut.
            Ok(Look::AskWriter) | Err(_) => false,
        }
    }

    /// The mutant that looks first, and takes later what it saw.
    #[cfg(feature = "seeded-faults")]
    async fn looked_first(&self, now: Millis, wish: &Registration) -> Result<bool, StoreFailure> {
        if !mutant!(self.faults, CheckThenInsert) {
            return Ok(false);
        }
        let event = self.points.read(|db| events::get(db, now, &wish.event_id)).await?;
        Ok(event.is_some_and(|event| event.available < wish.quantity))
    }

    /// The mutant that stores the key when the ticket is there.
    #[cfg(feature = "seeded-faults")]
    async fn store_key_later(
        &self,
        wish: Registration,
        outcome: &Result<Registered, RegisterRefusal>,
    ) -> Result<(), StoreFailure> {
        if mutant!(self.faults, KeyInAnotherTransaction)
            && let Ok(Registered { ticket, replayed: false }) = outcome
        {
            let ticket = ticket.clone();
            let stored = self.writer.submit(move |desk| register::store_key(desk, &ticket, &wish).map(Ok));
            let Ok(()) = stored.await?.map_err(|never: Infallible| match never {});
        }
        Ok(())
    }

    /// The mutant that writes the trail when the ticket is there.
    #[cfg(feature = "seeded-faults")]
    async fn audit_later(
        &self,
        now: Millis,
        caller: &Actor,
        outcome: &Result<Registered, RegisterRefusal>,
    ) -> Result<(), StoreFailure> {
        if mutant!(self.faults, AuditInAnotherTransaction)
            && let Ok(Registered { ticket, replayed: false }) = outcome
        {
            let (ticket, caller) = (ticket.clone(), caller.clone());
            let action = crate::domain::AuditAction::Register;
            let written = self.writer.submit(move |desk| {
                audit::write(desk, now, &caller, action, &ticket.event_id, Some(&ticket.id)).map(Ok)
            });
            unrefused(written.await)?;
        }
        Ok(())
    }
}

impl Drop for SqliteStore {
    /// Blocks until the running batch has committed; [`SqliteStore::close`] is for those who must not block.
    fn drop(&mut self) {
        if let Some(running) = self.stop() {
            running.end();
        }
    }
}

/// Of a use case that cannot be refused.
fn unrefused<T>(outcome: Outcome<T, Infallible>) -> Result<T, StoreFailure> {
    outcome.map(|Ok(answer)| answer)
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_event(&self, now: Millis, caller: &Actor, new: NewEvent) -> Result<Event, StoreFailure> {
        let caller = caller.clone();
        unrefused(self.writer.submit(move |desk| events::create(desk, now, &caller, &new).map(Ok)).await)
    }

    async fn event(&self, now: Millis, id: &EventId) -> Result<Option<Event>, StoreFailure> {
        self.points.read(|db| events::get(db, now, id)).await
    }

    async fn events(&self, now: Millis, query: EventQuery) -> Outcome<Page<Event>, ListRefusal> {
        let faults = self.faults.clone();
        if events::is_scan(&query) {
            return self.scans.scan(move |db| events::list(db, now, &query, &faults)).await;
        }
        self.points.read(|db| events::list(db, now, &query, &faults)).await
    }

    async fn update_event(
        &self,
        now: Millis,
        caller: &Actor,
        id: &EventId,
        patch: EventPatch,
    ) -> Outcome<Event, UpdateRefusal> {
        let (caller, id) = (caller.clone(), id.clone());
        self.writer.submit(move |desk| events::update(desk, now, &caller, &id, &patch)).await
    }

    async fn register(
        &self,
        now: Millis,
        caller: &Actor,
        registration: Registration,
    ) -> Outcome<Registered, RegisterRefusal> {
        let hint = Hint::of(&registration.event_id);
        if self.is_sold_out(now, caller.owner_key(), &registration, hint).await {
            return Ok(Err(RegisterRefusal::SoldOut));
        }
        #[cfg(feature = "seeded-faults")]
        if self.looked_first(now, &registration).await? {
            return Ok(Err(RegisterRefusal::SoldOut));
        }
        #[cfg(feature = "seeded-faults")]
        let wish = registration.clone();
        let actor = caller.clone();
        let outcome = self.writer.submit(move |desk| register::register(desk, now, &actor, &registration)).await?;
        #[cfg(feature = "seeded-faults")]
        self.store_key_later(wish, &outcome).await?;
        #[cfg(feature = "seeded-faults")]
        self.audit_later(now, caller, &outcome).await?;
        if outcome == Err(RegisterRefusal::SoldOut) {
            self.hints.set(hint);
        }
        Ok(outcome)
    }

    async fn confirm(&self, now: Millis, caller: &Actor, id: &TicketId) -> Outcome<Ticket, ConfirmRefusal> {
        let (caller, id) = (caller.clone(), id.clone());
        self.writer.submit(move |desk| tickets::confirm(desk, now, &caller, &id)).await
    }

    async fn cancel(&self, now: Millis, caller: &Actor, id: &TicketId) -> Outcome<Ticket, TicketNotFound> {
        let (caller, id) = (caller.clone(), id.clone());
        self.writer.submit(move |desk| tickets::cancel(desk, now, &caller, &id)).await
    }

    async fn ticket(&self, now: Millis, caller: &Principal, id: &TicketId) -> Outcome<Ticket, TicketNotFound> {
        self.points.read(|db| tickets::get(db, now, caller, id)).await
    }

    async fn tickets(&self, now: Millis, caller: &Principal, query: TicketQuery) -> Outcome<Page<Ticket>, ListRefusal> {
        // Tickets of an email that others own must be passed over one by one, however many they are.
        if matches!(query.filter, TicketFilter::OfEmail(_)) && tickets::only_of(caller).is_some() {
            let caller = caller.clone();
            return self.scans.scan(move |db| tickets::list(db, now, &caller, &query)).await;
        }
        self.points.read(|db| snapshot(db, |db| tickets::list(db, now, caller, &query))).await
    }

    async fn audit(&self, caller: &Principal, query: AuditQuery) -> Outcome<Page<AuditEntry>, ListRefusal> {
        if audit::is_scan(&query) {
            let caller = caller.clone();
            return self.scans.scan(move |db| snapshot(db, |db| audit::list(db, &caller, &query))).await;
        }
        self.points.read(|db| snapshot(db, |db| audit::list(db, caller, &query))).await
    }

    async fn expire_due(&self, now: Millis, batch: u32) -> Result<Swept, StoreFailure> {
        // As good a rhythm as any for this; it costs a microsecond.
        if inspect::identity(&self.path).ok() != Some(self.identity) {
            self.writer.give_up(format!("{} was moved or removed while in use", self.path.display()));
        }
        unrefused(self.writer.submit(move |desk| expire::expire_due(desk, now, batch).map(Ok)).await)
    }

    async fn forget_audit(&self, before: Millis, batch: u32) -> Result<u32, StoreFailure> {
        unrefused(self.writer.submit(move |desk| audit::forget(desk, before, batch).map(Ok)).await)
    }

    fn stamp(&self) -> Option<Stamp> {
        self.writer.stamps().present()
    }

    async fn next_expiry(&self, now: Millis) -> Result<Option<Millis>, StoreFailure> {
        if mutant!(self.faults, DueHoldsForgotten) {
            return Ok(None);
        }
        self.points.read(|db| expire::next(db, now)).await
    }
}
