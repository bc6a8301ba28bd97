//! The host, as the imports of the world.

use super::boxoffice::rules::{events, log, tickets};
use super::convert;
use crate::*;

pub(super) struct Imports {
    /// The moment that every answer is as of.
    pub(super) now: Moment,
}

impl Host for Imports {
    fn create_event(&self, new: NewEvent) -> Result<Event, CreateRefusal> {
        events::create(&convert::new_event(new)).map(convert::event).map_err(convert::create_refusal)
    }

    fn event(&self, id: &EventId) -> Result<Event, GetEventRefusal> {
        events::get(id.as_str()).map(convert::event).map_err(convert::get_event_refusal)
    }

    fn events(&self, query: EventQuery) -> Result<EventPage, ListEventsRefusal> {
        events::list(&convert::event_query(query)).map(convert::event_page).map_err(convert::list_events_refusal)
    }

    fn update_event(&self, id: &EventId, patch: EventPatch) -> Result<Event, UpdateRefusal> {
        events::update(id.as_str(), &convert::event_patch(patch)).map(convert::event).map_err(convert::update_refusal)
    }

    fn atomic_register(&self, registration: Registration) -> Result<Registered, RegisterRefusal> {
        let registered = tickets::atomic_register(&convert::registration(registration));
        let registered = registered.map_err(convert::register_refusal)?;
        Ok(Registered { ticket: convert::ticket(registered.ticket, self.now), replayed: registered.replayed })
    }

    fn ticket(&self, id: &TicketId) -> Result<Ticket, GetTicketRefusal> {
        let ticket = tickets::get(id.as_str()).map_err(convert::get_ticket_refusal)?;
        Ok(convert::ticket(ticket, self.now))
    }

    fn tickets(&self, query: TicketQuery) -> Result<TicketPage, ListTicketsRefusal> {
        let page = tickets::list(&convert::ticket_query(query)).map_err(convert::list_tickets_refusal)?;
        Ok(convert::ticket_page(page, self.now))
    }

    fn confirm(&self, id: &TicketId) -> Result<Ticket, ConfirmRefusal> {
        let ticket = tickets::confirm(id.as_str()).map_err(convert::confirm_refusal)?;
        Ok(convert::ticket(ticket, self.now))
    }

    fn cancel(&self, id: &TicketId) -> Result<Ticket, CancelRefusal> {
        let ticket = tickets::cancel(id.as_str()).map_err(convert::cancel_refusal)?;
        Ok(convert::ticket(ticket, self.now))
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let level = match level {
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
            Level::Error => log::Level::Error,
        };
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        log::write(level, message, &fields);
    }
}
