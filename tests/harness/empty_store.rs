//! A store for runs of rules that are about something else.

use async_trait::async_trait;
use boxoffice::domain::{
    Actor, AuditEntry, AuditQuery, Event, EventId, EventPatch, EventQuery, Millis, NewEvent, Page, Principal,
    Registration, Ticket, TicketId, TicketQuery,
};
use boxoffice::store::{
    ConfirmRefusal, ListRefusal, Outcome, RegisterRefusal, Registered, Store, StoreFailure, Swept, TicketNotFound,
    UpdateRefusal,
};

/// Has no event, and is too busy for everything else.
pub struct EmptyStore {
    look: fn(),
}

impl EmptyStore {
    /// Does this each time before it has not found an event.
    #[must_use]
    pub fn that(look: fn()) -> Self {
        Self { look }
    }
}

impl Default for EmptyStore {
    fn default() -> Self {
        Self::that(|| ())
    }
}

#[async_trait]
impl Store for EmptyStore {
    async fn event(&self, _: Millis, _: &EventId) -> Result<Option<Event>, StoreFailure> {
        (self.look)();
        Ok(None)
    }

    async fn create_event(&self, _: Millis, _: &Actor, _: NewEvent) -> Result<Event, StoreFailure> {
        Err(StoreFailure::Overloaded)
    }

    async fn events(&self, _: Millis, _: EventQuery) -> Outcome<Page<Event>, ListRefusal> {
        Err(StoreFailure::Overloaded)
    }

    async fn update_event(&self, _: Millis, _: &Actor, _: &EventId, _: EventPatch) -> Outcome<Event, UpdateRefusal> {
        Err(StoreFailure::Overloaded)
    }

    async fn register(&self, _: Millis, _: &Actor, _: Registration) -> Outcome<Registered, RegisterRefusal> {
        Err(StoreFailure::Overloaded)
    }

    async fn confirm(&self, _: Millis, _: &Actor, _: &TicketId) -> Outcome<Ticket, ConfirmRefusal> {
        Err(StoreFailure::Overloaded)
    }

    async fn cancel(&self, _: Millis, _: &Actor, _: &TicketId) -> Outcome<Ticket, TicketNotFound> {
        Err(StoreFailure::Overloaded)
    }

    async fn ticket(&self, _: Millis, _: &Principal, _: &TicketId) -> Outcome<Ticket, TicketNotFound> {
        Err(StoreFailure::Overloaded)
    }

    async fn tickets(&self, _: Millis, _: &Principal, _: TicketQuery) -> Outcome<Page<Ticket>, ListRefusal> {
        Err(StoreFailure::Overloaded)
    }

    async fn audit(&self, _: &Principal, _: AuditQuery) -> Outcome<Page<AuditEntry>, ListRefusal> {
        Err(StoreFailure::Overloaded)
    }

    async fn forget_audit(&self, _: Millis, _: u32) -> Result<u32, StoreFailure> {
        Err(StoreFailure::Overloaded)
    }

    async fn expire_due(&self, _: Millis, _: u32) -> Result<Swept, StoreFailure> {
        Err(StoreFailure::Overloaded)
    }
}
