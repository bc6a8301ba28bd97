//! A store that refuses every write: what runs get that are to change nothing.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    ConfirmRefusal, ListRefusal, Outcome, RegisterRefusal, Registered, Store, StoreFailure, Swept, TicketNotFound,
    UpdateRefusal,
};
use crate::domain::{
    Event, EventId, EventPatch, EventQuery, Millis, NewEvent, Page, Principal, Registration, Ticket, TicketId,
    TicketQuery,
};

/// Reads from another store.
pub struct ReadOnly(Arc<dyn Store>);

impl ReadOnly {
    /// Of this store.
    #[must_use]
    pub fn of(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

fn refused<T>() -> Result<T, StoreFailure> {
    Err(StoreFailure::Internal("a write came to a store that is only for reading".to_owned()))
}

#[async_trait]
impl Store for ReadOnly {
    async fn create_event(&self, _: Millis, _: &Principal, _: NewEvent) -> Result<Event, StoreFailure> {
        refused()
    }

    async fn event(&self, now: Millis, id: &EventId) -> Result<Option<Event>, StoreFailure> {
        self.0.event(now, id).await
    }

    async fn events(&self, now: Millis, query: EventQuery) -> Outcome<Page<Event>, ListRefusal> {
        self.0.events(now, query).await
    }

    async fn update_event(
        &self,
        _: Millis,
        _: &Principal,
        _: &EventId,
        _: EventPatch,
    ) -> Outcome<Event, UpdateRefusal> {
        refused()
    }

    async fn register(&self, _: Millis, _: &Principal, _: Registration) -> Outcome<Registered, RegisterRefusal> {
        refused()
    }

    async fn confirm(&self, _: Millis, _: &Principal, _: &TicketId) -> Outcome<Ticket, ConfirmRefusal> {
        refused()
    }

    async fn cancel(&self, _: Millis, _: &Principal, _: &TicketId) -> Outcome<Ticket, TicketNotFound> {
        refused()
    }

    async fn ticket(&self, now: Millis, caller: &Principal, id: &TicketId) -> Outcome<Ticket, TicketNotFound> {
        self.0.ticket(now, caller, id).await
    }

    async fn tickets(&self, now: Millis, caller: &Principal, query: TicketQuery) -> Outcome<Page<Ticket>, ListRefusal> {
        self.0.tickets(now, caller, query).await
    }

    async fn expire_due(&self, _: Millis, _: u32) -> Result<Swept, StoreFailure> {
        refused()
    }
}
