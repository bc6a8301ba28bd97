//! Reads for runs that are to change nothing and delay nobody: with a connection of their own, and every write refused.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::runtime::Handle;

use super::faults::Faults;
use super::readers::{Readers, snapshot};
use super::trouble::Trouble;
use super::{SqliteStore, audit, events, tickets};
use crate::domain::{
    Actor, AuditEntry, AuditQuery, Event, EventId, EventPatch, EventQuery, Millis, NewEvent, Page, Principal,
    Registration, Ticket, TicketId, TicketQuery,
};
use crate::store::{
    ConfirmRefusal, ListRefusal, Outcome, RegisterRefusal, Registered, Store, StoreFailure, Swept, TicketNotFound,
    UpdateRefusal,
};

/// Reads one at a time, beside those of clients.
pub struct ReadOnly {
    readers: Arc<Readers>,
    faults: Faults,
    /// Of the host's own threads: one of the lowest priority would hold its snapshot, and with it the log, for as long as others are busy.
    host: Handle,
}

impl ReadOnly {
    /// Of this store; reads run on the threads of `host`.
    #[must_use]
    pub fn of(store: &SqliteStore, host: Handle) -> Self {
        Self { readers: Arc::clone(&store.beside), faults: store.faults.clone(), host }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        let readers = Arc::clone(&self.readers);
        // The scan begins on the host's thread, too: a thread that it starts has the priority of the one that it is started from.
        let read = self.host.spawn(async move { readers.scan(work).await });
        read.await.unwrap_or_else(|_| Err(StoreFailure::Internal("a read panicked".to_owned())))
    }
}

fn refused<T>() -> Result<T, StoreFailure> {
    Err(StoreFailure::Internal("a write came to a store that is only for reading".to_owned()))
}

#[async_trait]
impl Store for ReadOnly {
    async fn create_event(&self, _: Millis, _: &Actor, _: NewEvent) -> Result<Event, StoreFailure> {
        refused()
    }

    async fn event(&self, now: Millis, id: &EventId) -> Result<Option<Event>, StoreFailure> {
        let id = id.clone();
        self.read(move |db| events::get(db, now, &id)).await
    }

    async fn events(&self, now: Millis, query: EventQuery) -> Outcome<Page<Event>, ListRefusal> {
        let faults = self.faults.clone();
        self.read(move |db| events::list(db, now, &query, &faults)).await
    }

    async fn update_event(&self, _: Millis, _: &Actor, _: &EventId, _: EventPatch) -> Outcome<Event, UpdateRefusal> {
        refused()
    }

    async fn register(&self, _: Millis, _: &Actor, _: Registration) -> Outcome<Registered, RegisterRefusal> {
        refused()
    }

    async fn confirm(&self, _: Millis, _: &Actor, _: &TicketId) -> Outcome<Ticket, ConfirmRefusal> {
        refused()
    }

    async fn cancel(&self, _: Millis, _: &Actor, _: &TicketId) -> Outcome<Ticket, TicketNotFound> {
        refused()
    }

    async fn ticket(&self, now: Millis, caller: &Principal, id: &TicketId) -> Outcome<Ticket, TicketNotFound> {
        let (caller, id) = (caller.clone(), id.clone());
        self.read(move |db| tickets::get(db, now, &caller, &id)).await
    }

    async fn tickets(&self, now: Millis, caller: &Principal, query: TicketQuery) -> Outcome<Page<Ticket>, ListRefusal> {
        let caller = caller.clone();
        self.read(move |db| snapshot(db, |db| tickets::list(db, now, &caller, &query))).await
    }

    async fn audit(&self, caller: &Principal, query: AuditQuery) -> Outcome<Page<AuditEntry>, ListRefusal> {
        let caller = caller.clone();
        self.read(move |db| snapshot(db, |db| audit::list(db, &caller, &query))).await
    }

    async fn forget_audit(&self, _: Millis, _: u32) -> Result<u32, StoreFailure> {
        refused()
    }

    async fn expire_due(&self, _: Millis, _: u32) -> Result<Swept, StoreFailure> {
        refused()
    }
}
