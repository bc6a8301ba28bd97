//! `boxoffice:rules/tickets`.

use std::time::Duration;

use super::convert::findings;
use super::known;
use crate::domain::{self, Email, EventId, Permission, RegistrationRequest, TicketId, check_limit};
use crate::store::{ConfirmRefusal, ListRefusal, RegisterRefusal, TicketNotFound};
use crate::wasm::bindings::boxoffice::rules::tickets::{
    CancelRefusal, ConfirmRefusal as WitConfirmRefusal, GetRefusal, Host, ListRefusal as WitListRefusal,
    RegisterRefusal as WitRegisterRefusal, Registered, Registration, TicketFilter, TicketPage, TicketQuery,
};
use crate::wasm::bindings::boxoffice::rules::types::{InvalidField, Ticket};
use crate::wasm::run::Run;

impl Host for Run {
    async fn atomic_register(
        &mut self,
        registration: Registration,
    ) -> wasmtime::Result<Result<Registered, WitRegisterRefusal>> {
        let Some(grants) = self.begin(Permission::Register, &registration)? else {
            return Ok(Err(WitRegisterRefusal::AccessDenied));
        };
        let registration = match request(registration).check(grants.limits) {
            Ok(registration) => registration,
            Err(found) => return Ok(Err(WitRegisterRefusal::Invalid(findings(found)))),
        };
        let now = self.now;
        let registered = self.store_call(grants.store.register(now, &grants.principal, registration)).await;
        Ok(known(registered)?
            .map(|registered| {
                self.answer(Registered { ticket: registered.ticket.into(), replayed: registered.replayed })
            })
            .map_err(|refusal| match refusal {
                RegisterRefusal::IdempotencyKeyReused => WitRegisterRefusal::IdempotencyKeyReused,
                RegisterRefusal::EventNotFound => WitRegisterRefusal::EventNotFound,
                RegisterRefusal::AlreadyRegistered => WitRegisterRefusal::AlreadyRegistered,
                RegisterRefusal::SoldOut => WitRegisterRefusal::SoldOut,
            }))
    }

    async fn confirm(&mut self, id: String) -> wasmtime::Result<Result<Ticket, WitConfirmRefusal>> {
        let Some(grants) = self.begin(Permission::Confirm, &id)? else {
            return Ok(Err(WitConfirmRefusal::AccessDenied));
        };
        let (now, id) = (self.now, TicketId::new(id));
        let confirmed = known(self.store_call(grants.store.confirm(now, &grants.principal, &id)).await)?;
        Ok(confirmed.map(|ticket| self.answer(ticket)).map_err(|refusal| match refusal {
            ConfirmRefusal::TicketNotFound => WitConfirmRefusal::TicketNotFound,
            ConfirmRefusal::HoldExpired => WitConfirmRefusal::HoldExpired,
            ConfirmRefusal::TicketCancelled => WitConfirmRefusal::TicketCancelled,
        }))
    }

    async fn cancel(&mut self, id: String) -> wasmtime::Result<Result<Ticket, CancelRefusal>> {
        let Some(grants) = self.begin(Permission::Cancel, &id)? else {
            return Ok(Err(CancelRefusal::AccessDenied));
        };
        let (now, id) = (self.now, TicketId::new(id));
        let cancelled = known(self.store_call(grants.store.cancel(now, &grants.principal, &id)).await)?;
        Ok(cancelled.map(|ticket| self.answer(ticket)).map_err(|TicketNotFound| CancelRefusal::TicketNotFound))
    }

    async fn get(&mut self, id: String) -> wasmtime::Result<Result<Ticket, GetRefusal>> {
        let Some(grants) = self.begin(Permission::ReadTicket, &id)? else {
            return Ok(Err(GetRefusal::AccessDenied));
        };
        let (now, id) = (self.now, TicketId::new(id));
        let ticket = known(self.store_call(grants.store.ticket(now, &grants.principal, &id)).await)?;
        Ok(ticket.map(|ticket| self.answer(ticket)).map_err(|TicketNotFound| GetRefusal::TicketNotFound))
    }

    async fn list(&mut self, query: TicketQuery) -> wasmtime::Result<Result<TicketPage, WitListRefusal>> {
        let permission = match query.filter {
            TicketFilter::OfEvent(_) => Permission::ListEventTickets,
            TicketFilter::OfEmail(_) => Permission::ListOwnTickets,
        };
        let Some(grants) = self.begin(permission, &query)? else { return Ok(Err(WitListRefusal::AccessDenied)) };
        let query = match ticket_query(query) {
            Ok(query) => query,
            Err(found) => return Ok(Err(WitListRefusal::Invalid(found))),
        };
        let now = self.now;
        let page = known(self.store_call(grants.store.tickets(now, &grants.principal, query)).await)?;
        Ok(page
            .map(|page| {
                let items = page.items.into_iter().map(Into::into).collect();
                self.answer(TicketPage { items, next_cursor: page.next_cursor })
            })
            .map_err(|refusal| match refusal {
                ListRefusal::Invalid(field) => WitListRefusal::Invalid(findings(vec![field])),
                ListRefusal::EventNotFound => WitListRefusal::EventNotFound,
                ListRefusal::NotYours => WitListRefusal::AccessDenied,
            }))
    }
}

fn request(registration: Registration) -> RegistrationRequest {
    RegistrationRequest {
        event_id: EventId::new(registration.event_id),
        email: registration.email,
        quantity: registration.quantity,
        hold: registration.hold_ms.map(|ms| Duration::from_millis(ms.into())),
        key: registration.idempotency_key,
        attributes: registration.attributes,
    }
}

fn ticket_query(query: TicketQuery) -> Result<domain::TicketQuery, Vec<InvalidField>> {
    let limit = check_limit(query.limit).map(|()| query.limit).map_err(|field| findings(vec![field]))?;
    let filter = match query.filter {
        TicketFilter::OfEvent(id) => domain::TicketFilter::OfEvent(EventId::new(id)),
        TicketFilter::OfEmail(email) => {
            domain::TicketFilter::OfEmail(Email::parse(&email).map_err(|field| findings(vec![field]))?)
        }
    };
    Ok(domain::TicketQuery { filter, limit, cursor: query.cursor })
}
