//! Faults of what is made of the host functions.

use std::time::Duration;

use sdk::prelude::*;
use sdk::{
    CancelRefusal, ConfirmRefusal, CreateRefusal, EventPatch, GetEventRefusal, GetTicketRefusal, Host,
    ListEventsRefusal, ListTicketsRefusal, RegisterRefusal, Request, Roles, TicketFilter, UpdateRefusal,
};

/// How often the module that reads too much reads everything.
const ROUNDS: usize = 12;

/// The host, as the faults have it.
pub(crate) struct Told<'a> {
    faults: &'a [String],
    host: &'a dyn Host,
    now: Moment,
    roles: Roles,
}

impl<'a> Told<'a> {
    pub(crate) fn with(faults: &'a [String], host: &'a dyn Host, request: &Request) -> Self {
        Self { faults, host, now: request.now, roles: request.roles }
    }

    fn has(&self, fault: &str) -> bool {
        self.faults.iter().any(|other| other == fault)
    }

    fn read_all(&self) {
        for _ in 0..ROUNDS {
            let mut query = EventQuery { limit: 1, ..EventQuery::default() };
            while let Ok(EventPage { next_cursor: Some(cursor), .. }) = self.host.events(query.clone()) {
                query.cursor = Some(cursor);
            }
        }
    }

    /// Everything once, in pages as large as they may be.
    fn scan(&self) {
        let mut query = EventQuery { limit: 100, ..EventQuery::default() };
        while let Ok(EventPage { next_cursor: Some(cursor), .. }) = self.host.events(query.clone()) {
            query.cursor = Some(cursor);
        }
    }

    /// A ticket that nobody has.
    fn made_up(&self, registration: &Registration) -> Registered {
        let ticket = Ticket {
            id: TicketId::from_text("01930000-0000-7000-8000-000000000001"),
            event_id: registration.event_id.clone(),
            email: registration.email.clone(),
            quantity: registration.quantity,
            status: TicketStatus::Reserved,
            reserved_at: self.now,
            expires_at: self.now.after(Duration::from_mins(5)),
            confirmed_at: None,
            cancelled_at: None,
            attributes: None,
            server_time: self.now,
        };
        Registered { ticket, replayed: false }
    }
}

impl Host for Told<'_> {
    fn create_event(&self, new: NewEvent) -> Result<Event, CreateRefusal> {
        self.host.create_event(new)
    }

    fn event(&self, id: &EventId) -> Result<Event, GetEventRefusal> {
        let mut event = self.host.event(id)?;
        // Right, though the host denies it to many: nothing is made of it.
        if self.has("peeks") {
            let _ =
                self.host.tickets(TicketQuery { filter: TicketFilter::OfEvent(id.clone()), limit: 1, cursor: None });
        }
        if self.has("hide-reserved") {
            (event.available, event.reserved) = (event.available + event.reserved, 0);
        }
        Ok(event)
    }

    fn events(&self, query: EventQuery) -> Result<EventPage, ListEventsRefusal> {
        if self.has("read-all") {
            self.read_all();
        }
        let mut page = self.host.events(query)?;
        if self.has("scan") {
            self.scan();
        }
        if self.has("newest-first") {
            page.items.sort_by(|a, b| b.id.cmp(&a.id));
        }
        Ok(page)
    }

    fn update_event(&self, id: &EventId, patch: EventPatch) -> Result<Event, UpdateRefusal> {
        self.host.update_event(id, patch)
    }

    fn atomic_register(&self, registration: Registration) -> Result<Registered, RegisterRefusal> {
        let mut wanted = registration.clone();
        if self.has("drop-key") {
            wanted.idempotency_key = None;
        }
        if self.has("short-hold") {
            wanted.hold_ms = Some(60_000);
        }
        if self.has("lower-email") {
            wanted.email.make_ascii_lowercase();
        }
        // Nobody who sends a key gets the only seat.
        if self.has("key-waits")
            && wanted.idempotency_key.is_some()
            && self.host.event(&wanted.event_id).is_ok_and(|event| event.capacity == 1)
        {
            return Err(RegisterRefusal::SoldOut);
        }
        if self.has("lies-to-nobody") && self.roles == Roles::NOBODY {
            return Ok(self.made_up(&registration));
        }
        // Whoever has a ticket already is told that there is none.
        if self.has("looks-first") && self.host.event(&wanted.event_id).is_ok_and(|event| event.available == 0) {
            return Err(RegisterRefusal::SoldOut);
        }
        let registered = self.host.atomic_register(wanted.clone());
        if self.has("twice") && registered.is_ok() {
            let email = format!("second+{}", wanted.email);
            let _ = self.host.atomic_register(Registration { email, idempotency_key: None, ..wanted });
        }
        match &registered {
            Err(RegisterRefusal::SoldOut) if self.has("sold-out-201") => Ok(self.made_up(&registration)),
            Err(RegisterRefusal::AccessDenied) if self.has("denied-201") => Ok(self.made_up(&registration)),
            _ => registered,
        }
    }

    fn ticket(&self, id: &TicketId) -> Result<Ticket, GetTicketRefusal> {
        let mut ticket = self.host.ticket(id)?;
        // As the row has it, until somebody sweeps.
        if self.has("show-row") && ticket.cancelled_at == Some(ticket.expires_at) {
            (ticket.status, ticket.cancelled_at) = (TicketStatus::Reserved, None);
        }
        Ok(ticket)
    }

    fn tickets(&self, query: TicketQuery) -> Result<TicketPage, ListTicketsRefusal> {
        self.host.tickets(query)
    }

    fn confirm(&self, id: &TicketId) -> Result<Ticket, ConfirmRefusal> {
        if self.has("only-says-so") {
            let ticket = self.host.ticket(id).map_err(|_| ConfirmRefusal::TicketNotFound)?;
            return Ok(Ticket { status: TicketStatus::Confirmed, confirmed_at: Some(self.now), ..ticket });
        }
        self.host.confirm(id)
    }

    fn cancel(&self, id: &TicketId) -> Result<Ticket, CancelRefusal> {
        if self.has("keep-confirmed")
            && self.host.ticket(id).is_ok_and(|ticket| ticket.status == TicketStatus::Confirmed)
        {
            return Err(CancelRefusal::Other("a sale is a sale".into()));
        }
        self.host.cancel(id)
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        self.host.log(level, message, fields);
    }
}
