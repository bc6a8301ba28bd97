//! The host functions about tickets.

use std::time::Duration;

use super::checks;
use super::lists::{Scope, page};
use super::state::{Caller, Identity, State, TicketRow};
use crate::host_refusal::{CancelRefusal, ConfirmRefusal, GetTicketRefusal, ListTicketsRefusal, RegisterRefusal};
use crate::ids::TicketId;
use crate::refusal::Fault;
use crate::ticket::{Registered, Registration, Ticket, TicketFilter, TicketPage, TicketQuery, TicketStatus};

impl State {
    pub(super) fn register(&mut self, caller: &Caller, wish: Registration) -> Result<Registered, RegisterRefusal> {
        if !caller.roles.user && !caller.roles.admin {
            return Err(RegisterRefusal::AccessDenied);
        }
        checks::registration(&wish, self.max_quantity).map_err(RegisterRefusal::Invalid)?;
        let (now, owner) = (self.now, caller.owner().to_owned());
        let email = wish.email.trim().to_owned();
        let email_key = email.to_ascii_lowercase();
        let of_key = |row: &&TicketRow| row.idempotency_key.is_some() && row.idempotency_key == wish.idempotency_key;
        if let Some(row) = self.tickets.values().filter(of_key).find(|row| row.owner == owner) {
            let ticket = &row.ticket;
            let same = ticket.event_id == wish.event_id && row.email_key == email_key;
            return if same && ticket.quantity == wish.quantity {
                Ok(Registered { ticket: row.seen(now), replayed: true })
            } else {
                Err(RegisterRefusal::IdempotencyKeyReused)
            };
        }
        let event = self.event(&wish.event_id).map_err(|_| RegisterRefusal::EventNotFound)?;
        let mut others = self.tickets.values().filter(|row| row.ticket.event_id == wish.event_id);
        if others.any(|row| row.email_key == email_key && row.is_live(now)) {
            return Err(RegisterRefusal::AlreadyRegistered);
        }
        if event.available < wish.quantity {
            return Err(RegisterRefusal::SoldOut);
        }
        let hold = wish.hold_ms.map_or(self.hold, |ms| Duration::from_millis(ms.into()).min(self.hold));
        let ticket = Ticket {
            id: self.next_ticket_id(),
            event_id: wish.event_id,
            email,
            quantity: wish.quantity,
            status: TicketStatus::Reserved,
            reserved_at: now,
            expires_at: now.after(hold),
            confirmed_at: None,
            cancelled_at: None,
            attributes: wish.attributes,
            server_time: now,
        };
        let row = TicketRow { owner, email_key, idempotency_key: wish.idempotency_key, ticket: ticket.clone() };
        self.tickets.insert(ticket.id.as_str().to_owned(), row);
        Ok(Registered { ticket, replayed: false })
    }

    pub(super) fn ticket(&self, caller: &Caller, id: &TicketId) -> Result<Ticket, GetTicketRefusal> {
        if !caller.roles.user && !caller.roles.admin {
            return Err(GetTicketRefusal::AccessDenied);
        }
        self.ticket_of(id, caller).map(|row| row.seen(self.now)).ok_or(GetTicketRefusal::TicketNotFound)
    }

    pub(super) fn confirm(&mut self, caller: &Caller, id: &TicketId) -> Result<Ticket, ConfirmRefusal> {
        if !caller.roles.user && !caller.roles.admin {
            return Err(ConfirmRefusal::AccessDenied);
        }
        let now = self.now;
        let row = self.ticket_of(id, caller).ok_or(ConfirmRefusal::TicketNotFound)?;
        let seen = row.seen(now);
        let ran_out = seen.confirmed_at.is_none() && seen.cancelled_at == Some(seen.expires_at);
        match seen.status {
            TicketStatus::Confirmed => return Ok(seen),
            TicketStatus::Cancelled if ran_out => return Err(ConfirmRefusal::HoldExpired),
            TicketStatus::Cancelled => return Err(ConfirmRefusal::TicketCancelled),
            TicketStatus::Reserved => {}
        }
        let confirmed = Ticket { status: TicketStatus::Confirmed, confirmed_at: Some(now), ..seen };
        self.put(id, &confirmed);
        Ok(confirmed)
    }

    pub(super) fn cancel(&mut self, caller: &Caller, id: &TicketId) -> Result<Ticket, CancelRefusal> {
        if !caller.roles.user && !caller.roles.admin {
            return Err(CancelRefusal::AccessDenied);
        }
        let now = self.now;
        let seen = self.ticket_of(id, caller).ok_or(CancelRefusal::TicketNotFound)?.seen(now);
        if seen.status == TicketStatus::Cancelled {
            return Ok(seen);
        }
        let cancelled = Ticket { status: TicketStatus::Cancelled, cancelled_at: Some(now), ..seen };
        self.put(id, &cancelled);
        Ok(cancelled)
    }

    fn put(&mut self, id: &TicketId, ticket: &Ticket) {
        if let Some(row) = self.tickets.get_mut(id.as_str()) {
            row.ticket = ticket.clone();
        }
    }

    pub(super) fn tickets(&self, caller: &Caller, query: &TicketQuery) -> Result<TicketPage, ListTicketsRefusal> {
        use ListTicketsRefusal as No;
        let roles = caller.roles;
        let may = match query.filter {
            TicketFilter::OfEvent(_) => roles.organizer,
            TicketFilter::OfEmail(_) => roles.user,
        };
        // The ids that a list gives away are keys to the tickets, for callers who have proved nothing.
        let searches = matches!(query.filter, TicketFilter::OfEmail(_));
        let denied = searches && caller.identity == Identity::Unproved && !self.may_search;
        if denied || (!may && !roles.admin) {
            return Err(No::AccessDenied);
        }
        checks::limit(query.limit).map_err(No::Invalid)?;
        let (scope, all): (Scope, Vec<&TicketRow>) = match &query.filter {
            TicketFilter::OfEvent(id) => {
                let event = self.events.get(id.as_str()).ok_or(No::EventNotFound)?;
                if !caller.may_touch(&event.owner) {
                    return Err(No::AccessDenied);
                }
                let all = self.tickets.values().filter(|row| row.ticket.event_id == *id);
                (Scope::new("tickets-of-event").with(Some(id.as_str())), all.collect())
            }
            TicketFilter::OfEmail(email) => {
                checks::email(email).map_err(No::Invalid)?;
                let key = email.trim().to_ascii_lowercase();
                let only = caller.only_of();
                let scope = Scope::new("tickets-of-email").with(Some(&key)).with(only);
                let mine = |row: &&TicketRow| row.email_key == key && only.is_none_or(|owner| row.owner == owner);
                (scope, self.tickets.values().filter(mine).collect())
            }
        };
        let all: Vec<Ticket> = all.into_iter().map(|row| row.seen(self.now)).collect();
        let place = |ticket: &Ticket| ticket.id.as_str().to_owned();
        let found: Result<_, Vec<Fault>> = page(all, place, &scope, query.cursor.as_deref(), query.limit);
        let (items, next_cursor) = found.map_err(No::Invalid)?;
        Ok(TicketPage { items, next_cursor })
    }
}
