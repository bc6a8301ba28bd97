//! The host, as rules see it.

use crate::event::{Event, EventPage, EventPatch, EventQuery, NewEvent};
use crate::host_refusal::{
    CancelRefusal, ConfirmRefusal, CreateRefusal, GetEventRefusal, GetTicketRefusal, ListEventsRefusal,
    ListTicketsRefusal, RegisterRefusal, UpdateRefusal,
};
use crate::ids::{EventId, TicketId};
use crate::ticket::{Registered, Registration, Ticket, TicketPage, TicketQuery};

/// The host functions, one method for each; `wit/events.wit`, `wit/tickets.wit` and `wit/log.wit` say what they promise.
///
/// A trait, so that the same rules run as a component, natively in tests, and before a host whose answers something stands in
/// front of (see [`Context::on`](crate::Context::on)).
pub trait Host {
    /// Makes an event owned by the caller, all its seats available. For organizers.
    fn create_event(&self, new: NewEvent) -> Result<Event, CreateRefusal>;
    /// One event. For everybody.
    fn event(&self, id: &EventId) -> Result<Event, GetEventRefusal>;
    /// One page of events. For everybody.
    fn events(&self, query: EventQuery) -> Result<EventPage, ListEventsRefusal>;
    /// Changes an event of the caller's and counts its version up by one. For organizers.
    fn update_event(&self, id: &EventId, patch: EventPatch) -> Result<Event, UpdateRefusal>;
    /// Takes seats and makes the ticket that holds them, in one transaction, or does nothing at all. For users.
    ///
    /// Call it before refusing anything on availability: a replay must be answered even when nothing is left.
    fn atomic_register(&self, registration: Registration) -> Result<Registered, RegisterRefusal>;
    /// One ticket. For users, their own.
    fn ticket(&self, id: &TicketId) -> Result<Ticket, GetTicketRefusal>;
    /// One page of tickets. For users their own, for organizers those of their events.
    fn tickets(&self, query: TicketQuery) -> Result<TicketPage, ListTicketsRefusal>;
    /// Confirms a hold that has not run out; on a confirmed ticket, answers the same again. For users.
    fn confirm(&self, id: &TicketId) -> Result<Ticket, ConfirmRefusal>;
    /// Cancels a ticket and returns its seats, exactly once; on a cancelled one, answers the same again. For users.
    fn cancel(&self, id: &TicketId) -> Result<Ticket, CancelRefusal>;
    /// Writes a line to the operator's log: at most 1 KiB, with at most 16 fields of 256 bytes; 64 lines of a request are kept.
    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]);
}

/// How much a line of the log matters. The operator's log level decides what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// As it should be.
    Info,
    /// Somebody should look at it.
    Warn,
    /// Something failed.
    Error,
}
