//! `boxoffice:rules/tickets`.

use std::time::Duration;

use super::convert::findings;
use super::function::{HostFunction, Known};
use crate::domain::{self, Email, EventId, Millis, Permission, RegistrationRequest, TicketId, check_limit};
use crate::store::{ConfirmRefusal, ListRefusal, RegisterRefusal, TicketNotFound};
use crate::wasm::bindings::boxoffice::rules::tickets::{
    CancelRefusal, ConfirmRefusal as WitConfirmRefusal, GetRefusal, Host, ListRefusal as WitListRefusal,
    RegisterRefusal as WitRegisterRefusal, Registered, Registration, TicketFilter, TicketPage, TicketQuery,
};
use crate::wasm::bindings::boxoffice::rules::types::{InvalidField, Ticket};
use crate::wasm::run::{Grants, Run};

impl Host for Run {
    async fn atomic_register(
        &mut self,
        registration: Registration,
    ) -> wasmtime::Result<Result<Registered, WitRegisterRefusal>> {
        self.host_call::<Register>(registration).await
    }

    async fn confirm(&mut self, id: String) -> wasmtime::Result<Result<Ticket, WitConfirmRefusal>> {
        self.host_call::<Confirm>(id).await
    }

    async fn cancel(&mut self, id: String) -> wasmtime::Result<Result<Ticket, CancelRefusal>> {
        self.host_call::<Cancel>(id).await
    }

    async fn get(&mut self, id: String) -> wasmtime::Result<Result<Ticket, GetRefusal>> {
        self.host_call::<GetTicket>(id).await
    }

    async fn list(&mut self, query: TicketQuery) -> wasmtime::Result<Result<TicketPage, WitListRefusal>> {
        self.host_call::<ListTickets>(query).await
    }
}

/// `tickets.atomic-register`
pub(in crate::wasm) struct Register;

impl HostFunction for Register {
    type Asked = Registration;
    type Answer = Registered;
    type Refusal = WitRegisterRefusal;
    const DENIED: WitRegisterRefusal = WitRegisterRefusal::AccessDenied;

    fn permission(_: &Registration) -> Permission {
        Permission::Register
    }

    fn call(
        grants: &Grants,
        now: Millis,
        asked: Registration,
    ) -> Result<impl Future<Output = Known<Self>> + Send, WitRegisterRefusal> {
        let checked = request(asked).check(grants.limits);
        let registration = checked.map_err(|found| WitRegisterRefusal::Invalid(findings(found)))?;
        Ok(async move {
            let registered = grants.store.register(now, &grants.actor, registration).await?;
            Ok(registered
                .map(|registered| Registered { ticket: registered.ticket.into(), replayed: registered.replayed })
                .map_err(|refusal| match refusal {
                    RegisterRefusal::IdempotencyKeyReused => WitRegisterRefusal::IdempotencyKeyReused,
                    RegisterRefusal::EventNotFound => WitRegisterRefusal::EventNotFound,
                    RegisterRefusal::AlreadyRegistered => WitRegisterRefusal::AlreadyRegistered,
                    RegisterRefusal::SoldOut => WitRegisterRefusal::SoldOut,
                }))
        })
    }
}

/// `tickets.confirm`
pub(in crate::wasm) struct Confirm;

impl HostFunction for Confirm {
    type Asked = String;
    type Answer = Ticket;
    type Refusal = WitConfirmRefusal;
    const DENIED: WitConfirmRefusal = WitConfirmRefusal::AccessDenied;

    fn permission(_: &String) -> Permission {
        Permission::Confirm
    }

    fn call(
        grants: &Grants,
        now: Millis,
        asked: String,
    ) -> Result<impl Future<Output = Known<Self>> + Send, WitConfirmRefusal> {
        let id = TicketId::new(asked);
        Ok(async move {
            let confirmed = grants.store.confirm(now, &grants.actor, &id).await?;
            Ok(confirmed.map(Into::into).map_err(|refusal| match refusal {
                ConfirmRefusal::TicketNotFound => WitConfirmRefusal::TicketNotFound,
                ConfirmRefusal::HoldExpired => WitConfirmRefusal::HoldExpired,
                ConfirmRefusal::TicketCancelled => WitConfirmRefusal::TicketCancelled,
            }))
        })
    }
}

/// `tickets.cancel`
pub(in crate::wasm) struct Cancel;

impl HostFunction for Cancel {
    type Asked = String;
    type Answer = Ticket;
    type Refusal = CancelRefusal;
    const DENIED: CancelRefusal = CancelRefusal::AccessDenied;

    fn permission(_: &String) -> Permission {
        Permission::Cancel
    }

    fn call(
        grants: &Grants,
        now: Millis,
        asked: String,
    ) -> Result<impl Future<Output = Known<Self>> + Send, CancelRefusal> {
        let id = TicketId::new(asked);
        Ok(async move {
            let cancelled = grants.store.cancel(now, &grants.actor, &id).await?;
            Ok(cancelled.map(Into::into).map_err(|TicketNotFound| CancelRefusal::TicketNotFound))
        })
    }
}

/// `tickets.get`
pub(in crate::wasm) struct GetTicket;

impl HostFunction for GetTicket {
    type Asked = String;
    type Answer = Ticket;
    type Refusal = GetRefusal;
    const DENIED: GetRefusal = GetRefusal::AccessDenied;

    fn permission(_: &String) -> Permission {
        Permission::ReadTicket
    }

    fn call(
        grants: &Grants,
        now: Millis,
        asked: String,
    ) -> Result<impl Future<Output = Known<Self>> + Send, GetRefusal> {
        let id = TicketId::new(asked);
        Ok(async move {
            let ticket = grants.store.ticket(now, &grants.actor, &id).await?;
            Ok(ticket.map(Into::into).map_err(|TicketNotFound| GetRefusal::TicketNotFound))
        })
    }
}

/// `tickets.list`
pub(in crate::wasm) struct ListTickets;

impl HostFunction for ListTickets {
    type Asked = TicketQuery;
    type Answer = TicketPage;
    type Refusal = WitListRefusal;
    const DENIED: WitListRefusal = WitListRefusal::AccessDenied;

    fn permission(asked: &TicketQuery) -> Permission {
        match asked.filter {
            TicketFilter::OfEvent(_) => Permission::ListEventTickets,
            TicketFilter::OfEmail(_) => Permission::ListOwnTickets,
        }
    }

    fn call(
        grants: &Grants,
        now: Millis,
        asked: TicketQuery,
    ) -> Result<impl Future<Output = Known<Self>> + Send, WitListRefusal> {
        let query = ticket_query(asked).map_err(WitListRefusal::Invalid)?;
        Ok(async move {
            let page = grants.store.tickets(now, &grants.actor, query).await?;
            Ok(page
                .map(|page| {
                    let items = page.items.into_iter().map(Into::into).collect();
                    TicketPage { items, next_cursor: page.next_cursor }
                })
                .map_err(|refusal| match refusal {
                    ListRefusal::Invalid(field) => WitListRefusal::Invalid(findings(vec![field])),
                    ListRefusal::EventNotFound => WitListRefusal::EventNotFound,
                    ListRefusal::NotYours => WitListRefusal::AccessDenied,
                }))
        })
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
