//! The trait that a module implements.

use crate::code::Code;
use crate::context::Context;
use crate::event::{Event, EventPage, EventQuery, NewEvent};
use crate::ids::{EventId, TicketId};
use crate::manifest::About;
use crate::read::change::EventChange;
use crate::refusal::{Problem, Refusal, RefusalShape};
use crate::request::Response;
use crate::route::Routes;
use crate::standard;
use crate::ticket::{Registered, Registration, Ticket, TicketPage, TicketQuery};

/// Refusals of routes by their ids, besides those that a route names itself.
pub type MoreRefusals = &'static [(&'static str, &'static [Code])];

/// Rules. Everything but [`about`](Self::about) has a default, which is the standard policy: what you leave out, the REST contract says.
///
/// There is a method for each operation, which the standard routes call. Override one to change that rule; to have the standard
/// behaviour inside of yours, call the function of [`standard`] with its name, as the default does. [`routes`](Self::routes) adds,
/// replaces and removes routes. Every request gets a value of its own, by `Default`: nothing is kept from one to the next.
pub trait Rules: Default + Sized + 'static {
    /// The refusals that your rules add to routes, for the API's description: `&[("register", &[MEMBERS_FIRST])]`.
    const REFUSES: MoreRefusals = &[];

    /// Who this is: `about!()`, which is the name, version and description of your Cargo.toml.
    fn about() -> About;

    /// Which requests there are, and who answers them.
    #[must_use]
    fn routes() -> Routes<Self> {
        Routes::standard()
    }

    /// What refusals look like.
    #[must_use]
    fn refusal_shape() -> RefusalShape {
        RefusalShape::of::<Problem>()
    }

    /// Answers one request. Override it to do something around all of them.
    fn handle(&self, cx: &Context<'_>) -> Response {
        standard::handle(self, cx)
    }

    /// Makes an event.
    fn create_event(&self, cx: &Context<'_>, new: NewEvent) -> Result<Event, Refusal> {
        standard::create_event(cx, new)
    }

    /// Reads an event.
    fn event(&self, cx: &Context<'_>, id: &EventId) -> Result<Event, Refusal> {
        standard::event(cx, id)
    }

    /// Lists events.
    fn events(&self, cx: &Context<'_>, query: EventQuery) -> Result<EventPage, Refusal> {
        standard::events(cx, query)
    }

    /// Changes an event.
    fn update_event(&self, cx: &Context<'_>, id: &EventId, change: EventChange) -> Result<Event, Refusal> {
        standard::update_event(cx, id, change)
    }

    /// Reserves seats.
    fn register(&self, cx: &Context<'_>, registration: Registration) -> Result<Registered, Refusal> {
        standard::register(cx, registration)
    }

    /// Reads a ticket.
    fn ticket(&self, cx: &Context<'_>, id: &TicketId) -> Result<Ticket, Refusal> {
        standard::ticket(cx, id)
    }

    /// Lists the tickets of an event or of an email.
    fn tickets(&self, cx: &Context<'_>, query: TicketQuery) -> Result<TicketPage, Refusal> {
        standard::tickets(cx, query)
    }

    /// Confirms a hold.
    fn confirm(&self, cx: &Context<'_>, id: &TicketId) -> Result<Ticket, Refusal> {
        standard::confirm(cx, id)
    }

    /// Cancels a ticket.
    fn cancel(&self, cx: &Context<'_>, id: &TicketId) -> Result<Ticket, Refusal> {
        standard::cancel(cx, id)
    }
}
