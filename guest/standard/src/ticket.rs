//! Tickets: how they look in JSON, and what is done to one.

use schemars::JsonSchema;
use serde::Serialize;

use crate::body;
use crate::handler::Request;
use crate::host::Host;
use crate::problem::{Code, Problem};
use crate::reply::{self, Answer};
use crate::router::id;
use crate::tickets::{CancelRefusal, ConfirmRefusal, GetRefusal};
use crate::time::Moment;
use crate::types::{Ticket, TicketStatus};

/// A ticket.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Ticket")]
pub(crate) struct TicketJson<'a> {
    id: &'a str,
    event_id: &'a str,
    email: &'a str,
    /// Seats.
    quantity: u32,
    status: StatusJson,
    reserved_at: Moment,
    /// From this moment on, a hold that is not confirmed is over.
    expires_at: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Moment")]
    confirmed_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Moment")]
    cancelled_at: Option<Moment>,
    /// For a countdown that does not trust the caller's clock.
    server_time: Moment,
}

/// Where a ticket stands; a hold that has run out is cancelled.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TicketStatus")]
pub(crate) enum StatusJson {
    Reserved,
    Confirmed,
    Cancelled,
}

impl From<TicketStatus> for StatusJson {
    fn from(status: TicketStatus) -> Self {
        match status {
            TicketStatus::Reserved => Self::Reserved,
            TicketStatus::Confirmed => Self::Confirmed,
            TicketStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl<'a> TicketJson<'a> {
    /// The ticket as it stands at `now_ms`.
    pub(crate) fn new(ticket: &'a Ticket, now_ms: u64) -> Self {
        Self {
            id: &ticket.id,
            event_id: &ticket.event_id,
            email: &ticket.email,
            quantity: ticket.quantity,
            status: ticket.status.into(),
            reserved_at: Moment(ticket.reserved_at_ms),
            expires_at: Moment(ticket.expires_at_ms),
            confirmed_at: ticket.confirmed_at_ms.map(Moment),
            cancelled_at: ticket.cancelled_at_ms.map(Moment),
            server_time: Moment(now_ms),
        }
    }
}

/// `GET /tickets/{id}`.
pub(crate) fn get(host: &impl Host, request: &Request) -> Answer {
    let ticket = host.ticket(id(request)).map_err(|refusal| match refusal {
        GetRefusal::AccessDenied => Code::Forbidden.into(),
        GetRefusal::TicketNotFound => Code::TicketNotFound.into(),
        GetRefusal::Other(text) => Problem::refused(text),
    })?;
    answer(&ticket, request)
}

/// `POST /tickets/{id}/confirm`.
pub(crate) fn confirm(host: &impl Host, request: &Request) -> Answer {
    body::nothing(&request.body)?;
    let ticket = host.confirm(id(request)).map_err(|refusal| match refusal {
        ConfirmRefusal::AccessDenied => Code::Forbidden.into(),
        ConfirmRefusal::TicketNotFound => Code::TicketNotFound.into(),
        ConfirmRefusal::HoldExpired => Code::HoldExpired.into(),
        ConfirmRefusal::TicketCancelled => Code::TicketCancelled.into(),
        ConfirmRefusal::Other(text) => Problem::refused(text),
    })?;
    answer(&ticket, request)
}

/// `POST /tickets/{id}/cancel`.
pub(crate) fn cancel(host: &impl Host, request: &Request) -> Answer {
    body::nothing(&request.body)?;
    let ticket = host.cancel(id(request)).map_err(|refusal| match refusal {
        CancelRefusal::AccessDenied => Code::Forbidden.into(),
        CancelRefusal::TicketNotFound => Code::TicketNotFound.into(),
        CancelRefusal::Other(text) => Problem::refused(text),
    })?;
    answer(&ticket, request)
}

fn answer(ticket: &Ticket, request: &Request) -> Answer {
    reply::json(200, &TicketJson::new(ticket, request.now_ms), [reply::PRIVATE])
}
