//! What is kept, and the promises about it.
//!
//! Each method of [`Store`] is one atomic use case: one transaction, never open while guest code runs. What it answers
//! is durable. Time, caller and randomness are arguments or were given to the store when it was opened; no store reads a clock.
//!
//! Each effect that a caller causes has one entry in the audit trail, written in the same transaction; refusals, replays and what changes
//! nothing have none.
//!
//! Promised of every store, at all times, for every event:
//! `capacity = available_spots + the seats of its reserved and confirmed tickets`, and `available_spots >= 0`.

pub mod sqlite;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{
    Actor, AuditEntry, AuditQuery, Event, EventId, EventPatch, EventQuery, InvalidField, Millis, NewEvent, Page,
    Principal, Registration, Ticket, TicketId, TicketQuery,
};

/// What a use case comes to: its answer, one of its own refusals, or a failure of the store.
pub type Outcome<T, R> = Result<Result<T, R>, StoreFailure>;

/// The store could not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreFailure {
    /// Its queue is full, or the disk is: nothing was written; try again later.
    Overloaded,
    /// The commit failed: whether it was written shows only later. The same idempotency key resolves it.
    OutcomeUnknown,
    /// The host shuts down: nothing was written.
    ShuttingDown,
    /// A fault of ours or of the database, for the log and never for the client. Nothing was written.
    Internal(String),
}

/// The ticket of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// As it stands now.
    pub ticket: Ticket,
    /// Whether the key had been used for the same registration before; then no seat was taken.
    pub replayed: bool,
}

/// Why no seat was taken, in order of precedence. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RegisterRefusal {
    /// The caller has used this key for another registration.
    IdempotencyKeyReused,
    /// There is no such event.
    EventNotFound,
    /// The email has a live ticket for it.
    AlreadyRegistered,
    /// Fewer seats are available than were asked for, due holds being counted as available.
    SoldOut,
}

/// Why a ticket was not confirmed, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfirmRefusal {
    /// There is none, or it is another caller's.
    TicketNotFound,
    /// Its hold ran out, whether or not it was released.
    HoldExpired,
    /// Somebody cancelled it.
    TicketCancelled,
}

/// There is no such ticket, or it is another caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TicketNotFound;

/// Why an event was not changed, in order of precedence. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpdateRefusal {
    /// There is no such event.
    EventNotFound,
    /// It is another organizer's. (Events are public, so this gives nothing away.)
    NotYours,
    /// `if_version` does not hold; this is the present version.
    VersionMismatch(u64),
    /// Fewer seats than are taken; this many are.
    CapacityBelowSold(u32),
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListRefusal {
    /// The cursor is not one of this query's.
    Invalid(InvalidField),
    /// There is no such event.
    EventNotFound,
    /// The event is another organizer's.
    NotYours,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Holds released.
    pub released: u32,
    /// When the next hold expires; in the past if more are due. `None`: no hold is left.
    pub next_deadline: Option<Millis>,
}

/// Names the state that a store's readers see. As long as it is the present one, whatever was read since it came would be read again, but for
/// time: holds run out without anybody writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64);

/// One atomic use case each. Cancelling the future of a write (a client that went away) leaves the outcome
/// open: the write happens as a whole or not at all.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Makes an event owned by the caller. `new` has been checked.
    async fn create_event(&self, now: Millis, caller: &Actor, new: NewEvent) -> Result<Event, StoreFailure>;

    /// One event as it stands at `now`.
    async fn event(&self, now: Millis, id: &EventId) -> Result<Option<Event>, StoreFailure>;

    /// One page of events as they stand at `now`: soonest start first (none: last), then by id. `query` has been checked.
    async fn events(&self, now: Millis, query: EventQuery) -> Outcome<Page<Event>, ListRefusal>;

    /// Changes an event and counts its version up. `patch` has been checked.
    async fn update_event(
        &self,
        now: Millis,
        caller: &Actor,
        id: &EventId,
        patch: EventPatch,
    ) -> Outcome<Event, UpdateRefusal>;

    /// Takes seats and makes the ticket that holds them from `now` to `now + hold`, or does nothing at all.
    ///
    /// A key and its effect commit together; keys are scoped to the caller's `owner_key`. A due hold of the same
    /// event and email is released first; if seats are short, so are all due holds of the event.
    async fn register(
        &self,
        now: Millis,
        caller: &Actor,
        registration: Registration,
    ) -> Outcome<Registered, RegisterRefusal>;

    /// Confirms a hold that is not due at `now`; on a confirmed ticket, gives the same again.
    async fn confirm(&self, now: Millis, caller: &Actor, id: &TicketId) -> Outcome<Ticket, ConfirmRefusal>;

    /// Cancels a ticket and returns its seats exactly once; on a cancelled one, gives the same again.
    async fn cancel(&self, now: Millis, caller: &Actor, id: &TicketId) -> Outcome<Ticket, TicketNotFound>;

    /// One ticket as it stands at `now`.
    async fn ticket(&self, now: Millis, caller: &Principal, id: &TicketId) -> Outcome<Ticket, TicketNotFound>;

    /// One page of tickets as they stand at `now`, oldest first. Of an email: the caller's own only.
    async fn tickets(&self, now: Millis, caller: &Principal, query: TicketQuery) -> Outcome<Page<Ticket>, ListRefusal>;

    /// One page of who did what, oldest first. An organizer reads what was done to an own event, which the query then names; an admin
    /// everything. A page has a cursor unless it is empty, so that the trail can be followed.
    async fn audit(&self, caller: &Principal, query: AuditQuery) -> Outcome<Page<AuditEntry>, ListRefusal>;

    /// Releases at most `batch` holds that are due at `now`. Small batches, so that the writer is never held long.
    async fn expire_due(&self, now: Millis, batch: u32) -> Result<Swept, StoreFailure>;

    /// Forgets at most `batch` entries of the audit trail, from its old end and only from before `before`; gives how many. The newest
    /// entry always stays.
    async fn forget_audit(&self, before: Millis, batch: u32) -> Result<u32, StoreFailure>;

    /// The present state, for whoever keeps what was read: looked at before the first read, and again before what is kept is given, which must
    /// be the same then. `None`: nothing that is read now may be kept, and nothing that is kept may be given, because a commit is on its
    /// way, or because this store does not know who else writes.
    ///
    /// Promised of a store that gives any: whoever has seen an effect, or was told that it is durable, does not find a stamp from before it.
    fn stamp(&self) -> Option<Stamp> {
        None
    }

    /// The first moment after `now` at which reads can differ though nothing is written: the end of the hold that runs out next. `None`: no
    /// hold is left. A store that gives no stamps need not know, and says `now`: at any moment.
    async fn next_expiry(&self, now: Millis) -> Result<Option<Millis>, StoreFailure> {
        Ok(Some(now))
    }
}
