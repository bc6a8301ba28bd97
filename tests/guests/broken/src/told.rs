//! Faults of what is made of the host functions.

use standard_rules::Host;
use standard_rules::bindings::Imports;
use standard_rules::events::{
    CreateRefusal, EventPage, EventPatch, EventQuery, GetRefusal as EventRefusal, ListRefusal, NewEvent, UpdateRefusal,
};
use standard_rules::handler::Request;
use standard_rules::tickets::{
    CancelRefusal, ConfirmRefusal, GetRefusal as TicketRefusal, ListRefusal as TicketsRefusal, RegisterRefusal,
    Registered, Registration, TicketPage, TicketQuery,
};
use standard_rules::types::{Event, Ticket, TicketStatus};

/// How often the module that reads too much reads everything.
const ROUNDS: usize = 12;

/// The host, as the faults have it.
pub(crate) struct Told<'a> {
    faults: &'a [String],
    now_ms: u64,
}

impl<'a> Told<'a> {
    pub(crate) fn with(faults: &'a [String], request: &Request) -> Self {
        Self { faults, now_ms: request.now_ms }
    }

    fn has(&self, fault: &str) -> bool {
        self.faults.iter().any(|other| other == fault)
    }

    fn read_all(&self) {
        for _ in 0..ROUNDS {
            let mut query = EventQuery {
                limit: 1,
                cursor: None,
                words: None,
                tag: None,
                starts_after_ms: None,
                starts_before_ms: None,
                available_only: false,
            };
            while let Ok(EventPage { next_cursor: Some(cursor), .. }) = Imports.events(&query) {
                query.cursor = Some(cursor);
            }
        }
    }

    /// A ticket that nobody has.
    fn made_up(&self, registration: &Registration) -> Registered {
        let ticket = Ticket {
            id: "01930000-0000-7000-8000-000000000001".into(),
            event_id: registration.event_id.clone(),
            email: registration.email.clone(),
            quantity: registration.quantity,
            status: TicketStatus::Reserved,
            reserved_at_ms: self.now_ms,
            expires_at_ms: self.now_ms + 300_000,
            confirmed_at_ms: None,
            cancelled_at_ms: None,
            attributes: None,
        };
        Registered { ticket, replayed: false }
    }
}

impl Host for Told<'_> {
    fn create_event(&self, new: &NewEvent) -> Result<Event, CreateRefusal> {
        Imports.create_event(new)
    }

    fn event(&self, id: &str) -> Result<Event, EventRefusal> {
        let mut event = Imports.event(id)?;
        if self.has("hide-reserved") {
            (event.available, event.reserved) = (event.available + event.reserved, 0);
        }
        Ok(event)
    }

    fn events(&self, query: &EventQuery) -> Result<EventPage, ListRefusal> {
        if self.has("read-all") {
            self.read_all();
        }
        let mut page = Imports.events(query)?;
        if self.has("newest-first") {
            page.items.sort_by(|a, b| b.id.cmp(&a.id));
        }
        Ok(page)
    }

    fn update_event(&self, id: &str, patch: &EventPatch) -> Result<Event, UpdateRefusal> {
        Imports.update_event(id, patch)
    }

    fn atomic_register(&self, registration: &Registration) -> Result<Registered, RegisterRefusal> {
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
            && Imports.event(&wanted.event_id).is_ok_and(|event| event.capacity == 1)
        {
            return Err(RegisterRefusal::SoldOut);
        }
        let registered = Imports.atomic_register(&wanted);
        if self.has("twice") && registered.is_ok() {
            let email = format!("second+{}", wanted.email);
            let _ = Imports.atomic_register(&Registration { email, idempotency_key: None, ..wanted });
        }
        match &registered {
            Err(RegisterRefusal::SoldOut) if self.has("sold-out-201") => Ok(self.made_up(registration)),
            Err(RegisterRefusal::AccessDenied) if self.has("denied-201") => Ok(self.made_up(registration)),
            _ => registered,
        }
    }

    fn ticket(&self, id: &str) -> Result<Ticket, TicketRefusal> {
        let mut ticket = Imports.ticket(id)?;
        // As the row has it, until somebody sweeps.
        if self.has("show-row") && ticket.cancelled_at_ms == Some(ticket.expires_at_ms) {
            (ticket.status, ticket.cancelled_at_ms) = (TicketStatus::Reserved, None);
        }
        Ok(ticket)
    }

    fn tickets(&self, query: &TicketQuery) -> Result<TicketPage, TicketsRefusal> {
        Imports.tickets(query)
    }

    fn confirm(&self, id: &str) -> Result<Ticket, ConfirmRefusal> {
        if self.has("only-says-so") {
            let ticket = Imports.ticket(id).map_err(|_| ConfirmRefusal::TicketNotFound)?;
            return Ok(Ticket { status: TicketStatus::Confirmed, confirmed_at_ms: Some(self.now_ms), ..ticket });
        }
        Imports.confirm(id)
    }

    fn cancel(&self, id: &str) -> Result<Ticket, CancelRefusal> {
        if self.has("keep-confirmed") && Imports.ticket(id).is_ok_and(|ticket| ticket.status == TicketStatus::Confirmed)
        {
            return Err(CancelRefusal::Other("a sale is a sale".into()));
        }
        Imports.cancel(id)
    }
}
