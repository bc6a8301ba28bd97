//! The host, as the rules see it.

use crate::events::{
    CreateRefusal, EventPage, EventPatch, EventQuery, GetRefusal as EventRefusal, ListRefusal, NewEvent, UpdateRefusal,
};
use crate::tickets::{
    CancelRefusal, ConfirmRefusal, GetRefusal as TicketRefusal, ListRefusal as TicketsRefusal, RegisterRefusal,
    Registered, Registration, TicketPage, TicketQuery,
};
use crate::types::{Event, Ticket};

/// The host functions that the standard rules call, one method for each; `wit/events.wit` and `wit/tickets.wit` say
/// what they promise. A trait, so that the same rules run as a component and natively, in tests and benchmarks.
pub trait Host {
    /// `events.create`.
    fn create_event(&self, new: &NewEvent) -> Result<Event, CreateRefusal>;
    /// `events.get`.
    fn event(&self, id: &str) -> Result<Event, EventRefusal>;
    /// `events.list`.
    fn events(&self, query: &EventQuery) -> Result<EventPage, ListRefusal>;
    /// `events.update`.
    fn update_event(&self, id: &str, patch: &EventPatch) -> Result<Event, UpdateRefusal>;
    /// `tickets.atomic-register`.
    fn atomic_register(&self, registration: &Registration) -> Result<Registered, RegisterRefusal>;
    /// `tickets.get`.
    fn ticket(&self, id: &str) -> Result<Ticket, TicketRefusal>;
    /// `tickets.list`.
    fn tickets(&self, query: &TicketQuery) -> Result<TicketPage, TicketsRefusal>;
    /// `tickets.confirm`.
    fn confirm(&self, id: &str) -> Result<Ticket, ConfirmRefusal>;
    /// `tickets.cancel`.
    fn cancel(&self, id: &str) -> Result<Ticket, CancelRefusal>;
}
