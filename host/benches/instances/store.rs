//! A store of one event, so that what is measured is the sandbox.

use std::task::Poll;

use async_trait::async_trait;
use boxoffice::domain::{
    Actor, AuditEntry, AuditQuery, Event, EventId, EventPatch, EventQuery, Millis, NewEvent, Page, Principal,
    Registration, Ticket, TicketId, TicketQuery,
};
use boxoffice::store::{
    ConfirmRefusal, ListRefusal, Outcome, RegisterRefusal, Registered, Store, StoreFailure, Swept, TicketNotFound,
    UpdateRefusal,
};
use tokio::sync::Barrier;

/// Answers `event`, and nothing else: when it is asked again, as one does that asks another thread; or when as many have asked as the
/// barrier waits for.
pub(crate) struct OneEvent {
    /// What all callers meet at.
    pub(crate) barrier: Option<Barrier>,
}

/// Waits, and is woken at once.
async fn wait_once() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

fn none<T>() -> Result<T, StoreFailure> {
    Err(StoreFailure::Internal("not measured".into()))
}

#[async_trait]
impl Store for OneEvent {
    async fn event(&self, _: Millis, id: &EventId) -> Result<Option<Event>, StoreFailure> {
        if let Some(barrier) = &self.barrier {
            barrier.wait().await;
        } else {
            wait_once().await;
        }
        Ok(Some(Event {
            id: id.clone(),
            name: "The Last Seat".into(),
            capacity: 100,
            available: 40,
            reserved: 10,
            confirmed: 50,
            starts_at: Some(Millis(1_795_253_400_000)),
            tags: vec!["music".into(), "outdoors".into()],
            attributes: r#"{"venue":"Main Hall"}"#.into(),
            created_at: Millis(1_795_000_000_000),
            version: 3,
        }))
    }

    async fn create_event(&self, _: Millis, _: &Actor, _: NewEvent) -> Result<Event, StoreFailure> {
        none()
    }

    async fn events(&self, _: Millis, _: EventQuery) -> Outcome<Page<Event>, ListRefusal> {
        none()
    }

    async fn update_event(&self, _: Millis, _: &Actor, _: &EventId, _: EventPatch) -> Outcome<Event, UpdateRefusal> {
        none()
    }

    async fn register(&self, _: Millis, _: &Actor, _: Registration) -> Outcome<Registered, RegisterRefusal> {
        none()
    }

    async fn confirm(&self, _: Millis, _: &Actor, _: &TicketId) -> Outcome<Ticket, ConfirmRefusal> {
        none()
    }

    async fn cancel(&self, _: Millis, _: &Actor, _: &TicketId) -> Outcome<Ticket, TicketNotFound> {
        none()
    }

    async fn ticket(&self, _: Millis, _: &Principal, _: &TicketId) -> Outcome<Ticket, TicketNotFound> {
        none()
    }

    async fn tickets(&self, _: Millis, _: &Principal, _: TicketQuery) -> Outcome<Page<Ticket>, ListRefusal> {
        none()
    }

    async fn audit(&self, _: &Principal, _: AuditQuery) -> Outcome<Page<AuditEntry>, ListRefusal> {
        none()
    }

    async fn forget_audit(&self, _: Millis, _: u32) -> Result<u32, StoreFailure> {
        none()
    }

    async fn expire_due(&self, _: Millis, _: u32) -> Result<Swept, StoreFailure> {
        none()
    }
}
