//! Bookings: how they look, and what a new one says.

use boxoffice_sdk::TicketFilter;
use boxoffice_sdk::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who books how many seats of which event.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBooking {
    pub(crate) event_id: EventId,
    pub(crate) user_email: Email,
    /// Seats; the host allows at most 10, unless configured otherwise.
    #[serde(default)]
    pub(crate) quantity: Quantity,
}

/// A booking.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Booking {
    id: TicketId,
    event_id: EventId,
    user_email: String,
    /// Seats.
    quantity: u32,
    status: TicketStatus,
    booked_at: Moment,
    /// Absent unless it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Moment")]
    cancelled_at: Option<Moment>,
}

impl From<Ticket> for Booking {
    fn from(ticket: Ticket) -> Self {
        Self {
            id: ticket.id,
            event_id: ticket.event_id,
            user_email: ticket.email,
            quantity: ticket.quantity,
            status: ticket.status,
            booked_at: ticket.confirmed_at.unwrap_or(ticket.reserved_at),
            cancelled_at: ticket.cancelled_at,
        }
    }
}

/// Whose bookings, and which page of them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Who booked; compared in ASCII lower case.
    email: Email,
    /// Bookings of the page, 1 to 100.
    #[serde(default)]
    limit: Limit,
    /// The `next_cursor` of the page before, of the same email.
    #[serde(default)]
    cursor: Option<Cursor>,
}

impl From<Wanted> for TicketQuery {
    fn from(wanted: Wanted) -> Self {
        Self {
            filter: TicketFilter::OfEmail(wanted.email.into_text()),
            limit: wanted.limit.items(),
            cursor: wanted.cursor.map(Cursor::into_text),
        }
    }
}

/// A page of bookings, oldest first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct BookingPage {
    items: Vec<Booking>,
    /// Null on the last page.
    next_cursor: Option<String>,
}

impl From<TicketPage> for BookingPage {
    fn from(page: TicketPage) -> Self {
        Self { items: page.items.into_iter().map(Booking::from).collect(), next_cursor: page.next_cursor }
    }
}
