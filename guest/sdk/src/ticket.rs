//! Tickets, and what is asked of the host about them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ids::{EventId, TicketId};
use crate::moment::Moment;

/// A ticket as it stands at `server_time`. As JSON it is the ticket of the REST contract.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(description = "A ticket.")]
pub struct Ticket {
    #[allow(missing_docs, reason = "a line here would be one in the API's description")]
    pub id: TicketId,
    #[allow(missing_docs, reason = "as above")]
    pub event_id: EventId,
    #[allow(missing_docs, reason = "as above; as the caller wrote it, trimmed")]
    pub email: String,
    /// Seats.
    pub quantity: u32,
    #[schemars(description = "Where a ticket stands; a hold that has run out is cancelled.")]
    #[allow(missing_docs, reason = "as above")]
    pub status: TicketStatus,
    #[allow(missing_docs, reason = "as above")]
    pub reserved_at: Moment,
    /// From this moment on, a hold that is not confirmed is over.
    pub expires_at: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Moment")]
    #[allow(missing_docs, reason = "as above")]
    pub confirmed_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Moment")]
    #[allow(missing_docs, reason = "as above; equals `expires_at` where the hold ran out")]
    pub cancelled_at: Option<Moment>,
    /// The JSON object that the rules stored with the ticket, if any. Not in the JSON.
    #[serde(skip)]
    pub attributes: Option<String>,
    /// For a countdown that does not trust the caller's clock.
    pub server_time: Moment,
}

/// Where a ticket stands. A hold whose time has run out reads as cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(description = "Where a ticket stands; a hold that has run out is cancelled.")]
pub enum TicketStatus {
    #[allow(missing_docs, reason = "a line here would be one in the API's description")]
    Reserved,
    #[allow(missing_docs, reason = "as above")]
    Confirmed,
    #[allow(missing_docs, reason = "as above")]
    Cancelled,
}

/// What a caller wants reserved. As an [`Input`](crate::Input), it is the path, body and key of `POST /events/{id}/register`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Of which event.
    pub event_id: EventId,
    /// The host trims it; 1 to 254 bytes, no control characters.
    pub email: String,
    /// Seats, 1 to the host's maximum (10 unless configured).
    pub quantity: u32,
    /// How long the hold lasts, in milliseconds, at least 1. None, or longer than the host's (300,000 unless configured): the host's.
    pub hold_ms: Option<u32>,
    /// 1 to 255 characters, no control characters. The same key with the same event, email and quantity is a replay.
    pub idempotency_key: Option<String>,
    /// A JSON object of at most 8 KiB to keep with the ticket.
    pub attributes: Option<String>,
}

impl Registration {
    /// The domain of the email: what stands behind its last `@`, as it was written. Compare it with ASCII case ignored.
    #[must_use]
    pub fn email_domain(&self) -> &str {
        // A quoted part before it may have others.
        self.email.trim().rsplit('@').next().unwrap_or_default()
    }
}

/// The ticket of a registration.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// As it stands now.
    pub ticket: Ticket,
    /// The key had been used for the same registration: this is that ticket, and no seat was taken.
    pub replayed: bool,
}

/// Whose tickets.
#[derive(Clone, Debug, PartialEq)]
pub enum TicketFilter {
    /// All tickets of one event. For its organizer.
    OfEvent(EventId),
    /// All tickets of one email. For users, their own.
    OfEmail(String),
}

/// Which tickets, and how many of them.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketQuery {
    /// Whose.
    pub filter: TicketFilter,
    /// Items of the page, 1 to 100.
    pub limit: u32,
    /// The `next_cursor` of the page before, from a query with the same filter.
    pub cursor: Option<String>,
}

/// One page of tickets, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(description = "A page of tickets, oldest first.")]
pub struct TicketPage {
    #[allow(missing_docs, reason = "a line here would be one in the API's description")]
    pub items: Vec<Ticket>,
    /// Null on the last page.
    pub next_cursor: Option<String>,
}
