//! The SDK's host on the real store. What a caller may do, and what arguments may be, is checked as for a guest.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use boxoffice::domain::{self, Email, Millis, Permission, RegistrationRequest, check_limit};
use boxoffice::store::{self, StoreFailure};
use boxoffice::wasm::Grants;
use boxoffice_sdk::{
    CancelRefusal, ConfirmRefusal, CreateRefusal, Event, EventId, EventPage, EventPatch, EventQuery, GetEventRefusal,
    GetTicketRefusal, Host, Level, ListEventsRefusal, ListTicketsRefusal, Moment, NewEvent, RegisterRefusal,
    Registered, Registration, Ticket, TicketFilter, TicketId, TicketPage, TicketQuery, UpdateRefusal,
};

use super::convert;
use super::stack::{Leave, Left};

/// The host of one run.
pub(super) struct OnStore<'a> {
    leave: &'a Leave,
    waker: RefCell<Waker>,
    grants: Grants,
    now: Millis,
    moment: Moment,
}

impl<'a> OnStore<'a> {
    pub(super) fn new(leave: &'a Leave, waker: Waker, grants: Grants, moment: Moment) -> Self {
        let now = Millis::from_u64(moment.as_ms()).unwrap_or(Millis::MAX);
        Self { leave, waker: RefCell::new(waker), grants, now, moment }
    }

    /// Leaves the stack until the store has answered. A store that could not say ends the run here.
    fn wait<T>(&self, call: impl Future<Output = Result<T, StoreFailure>> + Send) -> T {
        let mut call = pin!(call);
        loop {
            let left = match poll(call.as_mut(), &self.waker.borrow()) {
                Poll::Ready(Ok(said)) => return said,
                Poll::Ready(Err(failure)) => self.end(&failure),
                Poll::Pending => Left::Waiting,
            };
            let waker = self.leave.suspend(left);
            *self.waker.borrow_mut() = waker;
        }
    }

    fn end(&self, failure: &StoreFailure) -> ! {
        loop {
            // Whoever gets this unwinds the stack.
            self.leave.suspend(Left::Failed(failure.clone()));
        }
    }

    fn may(&self, permission: Permission) -> bool {
        self.grants.actor.may(permission)
    }

    fn ticket_of(&self, ticket: domain::Ticket) -> Ticket {
        convert::ticket(ticket, self.moment)
    }
}

/// Never inlined, for what is thread-local in it: see the proof in `stack`.
#[inline(never)]
fn poll<F: Future + ?Sized>(call: std::pin::Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    call.poll(&mut Context::from_waker(waker))
}

impl Host for OnStore<'_> {
    fn create_event(&self, new: NewEvent) -> Result<Event, CreateRefusal> {
        if !self.may(Permission::CreateEvent) {
            return Err(CreateRefusal::AccessDenied);
        }
        let new = convert::new_event(new).map_err(CreateRefusal::Invalid)?;
        Ok(convert::event(self.wait(self.grants.store.create_event(self.now, &self.grants.actor, new))))
    }

    fn event(&self, id: &EventId) -> Result<Event, GetEventRefusal> {
        let id = domain::EventId::new(id.as_str());
        let event = self.wait(self.grants.store.event(self.now, &id));
        event.map(convert::event).ok_or(GetEventRefusal::EventNotFound)
    }

    fn events(&self, query: EventQuery) -> Result<EventPage, ListEventsRefusal> {
        let query = convert::event_query(query).map_err(ListEventsRefusal::Invalid)?;
        let page = self.wait(self.grants.store.events(self.now, query)).map_err(|refusal| match refusal {
            store::ListRefusal::Invalid(field) => ListEventsRefusal::Invalid(convert::faults(vec![field])),
            store::ListRefusal::EventNotFound | store::ListRefusal::NotYours => ListEventsRefusal::AccessDenied,
        })?;
        let items = page.items.into_iter().map(convert::event).collect();
        Ok(EventPage { items, next_cursor: page.next_cursor })
    }

    fn update_event(&self, id: &EventId, patch: EventPatch) -> Result<Event, UpdateRefusal> {
        if !self.may(Permission::UpdateEvent) {
            return Err(UpdateRefusal::AccessDenied);
        }
        let patch = convert::event_patch(patch).map_err(UpdateRefusal::Invalid)?;
        let id = domain::EventId::new(id.as_str());
        let updated = self.wait(self.grants.store.update_event(self.now, &self.grants.actor, &id, patch));
        updated.map(convert::event).map_err(|refusal| match refusal {
            store::UpdateRefusal::EventNotFound => UpdateRefusal::EventNotFound,
            store::UpdateRefusal::NotYours => UpdateRefusal::AccessDenied,
            store::UpdateRefusal::VersionMismatch(present) => UpdateRefusal::VersionMismatch(present),
            store::UpdateRefusal::CapacityBelowSold(taken) => UpdateRefusal::CapacityBelowSold(taken),
        })
    }

    fn atomic_register(&self, registration: Registration) -> Result<Registered, RegisterRefusal> {
        if !self.may(Permission::Register) {
            return Err(RegisterRefusal::AccessDenied);
        }
        let request = RegistrationRequest {
            event_id: domain::EventId::new(registration.event_id.into_text()),
            email: registration.email,
            quantity: registration.quantity,
            hold: registration.hold_ms.map(|ms| Duration::from_millis(ms.into())),
            key: registration.idempotency_key,
            attributes: registration.attributes,
        };
        let checked = request.check(self.grants.limits);
        let registration = checked.map_err(|found| RegisterRefusal::Invalid(convert::faults(found)))?;
        let registered = self.wait(self.grants.store.register(self.now, &self.grants.actor, registration));
        registered.map(|done| Registered { ticket: self.ticket_of(done.ticket), replayed: done.replayed }).map_err(
            |refusal| match refusal {
                store::RegisterRefusal::IdempotencyKeyReused => RegisterRefusal::IdempotencyKeyReused,
                store::RegisterRefusal::EventNotFound => RegisterRefusal::EventNotFound,
                store::RegisterRefusal::AlreadyRegistered => RegisterRefusal::AlreadyRegistered,
                store::RegisterRefusal::SoldOut => RegisterRefusal::SoldOut,
            },
        )
    }

    fn ticket(&self, id: &TicketId) -> Result<Ticket, GetTicketRefusal> {
        if !self.may(Permission::ReadTicket) {
            return Err(GetTicketRefusal::AccessDenied);
        }
        let id = domain::TicketId::new(id.as_str());
        let ticket = self.wait(self.grants.store.ticket(self.now, &self.grants.actor, &id));
        ticket.map(|it| self.ticket_of(it)).map_err(|store::TicketNotFound| GetTicketRefusal::TicketNotFound)
    }

    fn tickets(&self, query: TicketQuery) -> Result<TicketPage, ListTicketsRefusal> {
        let permission = match query.filter {
            TicketFilter::OfEvent(_) => Permission::ListEventTickets,
            TicketFilter::OfEmail(_) => Permission::ListOwnTickets,
        };
        if !self.may(permission) {
            return Err(ListTicketsRefusal::AccessDenied);
        }
        let invalid = |field| ListTicketsRefusal::Invalid(convert::faults(vec![field]));
        check_limit(query.limit).map_err(invalid)?;
        let filter = match query.filter {
            TicketFilter::OfEvent(id) => domain::TicketFilter::OfEvent(domain::EventId::new(id.into_text())),
            TicketFilter::OfEmail(email) => domain::TicketFilter::OfEmail(Email::parse(&email).map_err(invalid)?),
        };
        let query = domain::TicketQuery { filter, limit: query.limit, cursor: query.cursor };
        let page = self.wait(self.grants.store.tickets(self.now, &self.grants.actor, query));
        let page = page.map_err(|refusal| match refusal {
            store::ListRefusal::Invalid(field) => invalid(field),
            store::ListRefusal::EventNotFound => ListTicketsRefusal::EventNotFound,
            store::ListRefusal::NotYours => ListTicketsRefusal::AccessDenied,
        })?;
        let items = page.items.into_iter().map(|it| self.ticket_of(it)).collect();
        Ok(TicketPage { items, next_cursor: page.next_cursor })
    }

    fn confirm(&self, id: &TicketId) -> Result<Ticket, ConfirmRefusal> {
        if !self.may(Permission::Confirm) {
            return Err(ConfirmRefusal::AccessDenied);
        }
        let id = domain::TicketId::new(id.as_str());
        let confirmed = self.wait(self.grants.store.confirm(self.now, &self.grants.actor, &id));
        confirmed.map(|it| self.ticket_of(it)).map_err(|refusal| match refusal {
            store::ConfirmRefusal::TicketNotFound => ConfirmRefusal::TicketNotFound,
            store::ConfirmRefusal::HoldExpired => ConfirmRefusal::HoldExpired,
            store::ConfirmRefusal::TicketCancelled => ConfirmRefusal::TicketCancelled,
        })
    }

    fn cancel(&self, id: &TicketId) -> Result<Ticket, CancelRefusal> {
        if !self.may(Permission::Cancel) {
            return Err(CancelRefusal::AccessDenied);
        }
        let id = domain::TicketId::new(id.as_str());
        let cancelled = self.wait(self.grants.store.cancel(self.now, &self.grants.actor, &id));
        cancelled.map(|it| self.ticket_of(it)).map_err(|store::TicketNotFound| CancelRefusal::TicketNotFound)
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        tracing::info!(?level, ?fields, "{message}");
    }
}
