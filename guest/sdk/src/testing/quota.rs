//! How many bytes the calls of one request move, counted as the host counts them.

use crate::event::{Event, EventPage, EventPatch, EventQuery, NewEvent};
use crate::ids::{EventId, TicketId};
use crate::ticket::{Registered, Registration, Ticket, TicketFilter, TicketPage, TicketQuery};

/// Calls of host functions that one request may make.
pub(super) const MAX_CALLS: usize = 1_000;
/// Bytes that one call may hand to the host, near enough.
const MAX_CALL_BYTES: usize = 2 * 1024 * 1024;
/// Bytes that all calls of a request may move, both ways.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Lines that reach the log, and bytes of them together.
const MAX_LINES: usize = 64;
const MAX_LOG_BYTES: usize = 32 * 1024;
/// What an item of a list costs, whatever is in it.
const ITEM: usize = 24;
/// Numbers, flags and lengths of one record.
const RECORD: usize = 64;

/// What the calls of one request have used up.
#[derive(Default)]
pub(super) struct Quota {
    calls: usize,
    bytes: usize,
    lines: usize,
    log_bytes: usize,
}

impl Quota {
    /// One call begins, with arguments of so many bytes. If not, what there is too much of.
    pub(super) fn call(&mut self, bytes: usize) -> Result<(), &'static str> {
        self.calls += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.calls > MAX_CALLS {
            return Err("they made more than 1000 calls of host functions");
        }
        if bytes > MAX_CALL_BYTES {
            return Err("they handed more than 2 MiB to one call of a host function");
        }
        if self.bytes > MAX_BYTES {
            return Err("their calls of host functions moved more than 8 MiB");
        }
        Ok(())
    }

    /// A call answers with so many bytes: the next one may be too many.
    pub(super) fn answered(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether another line of the log has room; if so, it is counted.
    pub(super) fn log_has_room(&mut self) -> bool {
        let room = self.lines < MAX_LINES && self.log_bytes < MAX_LOG_BYTES;
        self.lines += usize::from(room);
        room
    }

    /// Whether a line of so many bytes fits into what is left; if so, they are counted.
    pub(super) fn log_fits(&mut self, bytes: usize) -> bool {
        let fits = bytes <= MAX_LOG_BYTES.saturating_sub(self.log_bytes);
        self.log_bytes += if fits { bytes } else { 0 };
        fits
    }
}

/// How many bytes a value moves: its texts, and a little for the rest.
pub(super) trait Weight {
    /// Bytes.
    fn weight(&self) -> usize;
}

macro_rules! texts {
    ($($type:ty)*) => {$(
        impl Weight for $type {
            fn weight(&self) -> usize {
                self.as_str().len()
            }
        }
    )*};
}

texts! { String EventId TicketId }

impl<T: Weight> Weight for Option<T> {
    fn weight(&self) -> usize {
        self.as_ref().map_or(0, Weight::weight)
    }
}

impl<T: Weight> Weight for Vec<T> {
    fn weight(&self) -> usize {
        self.iter().map(|item| ITEM + item.weight()).sum()
    }
}

impl Weight for Event {
    fn weight(&self) -> usize {
        RECORD + self.id.weight() + self.name.len() + self.tags.weight() + self.attributes.len()
    }
}

impl Weight for Ticket {
    fn weight(&self) -> usize {
        RECORD + self.id.weight() + self.event_id.weight() + self.email.len() + self.attributes.weight()
    }
}

impl Weight for EventPage {
    fn weight(&self) -> usize {
        self.items.weight() + self.next_cursor.weight()
    }
}

impl Weight for TicketPage {
    fn weight(&self) -> usize {
        self.items.weight() + self.next_cursor.weight()
    }
}

impl Weight for Registered {
    fn weight(&self) -> usize {
        self.ticket.weight()
    }
}

impl Weight for NewEvent {
    fn weight(&self) -> usize {
        RECORD + self.name.len() + self.tags.weight() + self.attributes.weight()
    }
}

impl Weight for EventQuery {
    fn weight(&self) -> usize {
        RECORD + self.cursor.weight() + self.words.weight() + self.tag.weight()
    }
}

impl Weight for EventPatch {
    fn weight(&self) -> usize {
        RECORD + self.name.weight() + self.tags.weight() + self.attributes.weight()
    }
}

impl Weight for Registration {
    fn weight(&self) -> usize {
        RECORD + self.event_id.weight() + self.email.len() + self.idempotency_key.weight() + self.attributes.weight()
    }
}

impl Weight for TicketQuery {
    fn weight(&self) -> usize {
        let of = match &self.filter {
            TicketFilter::OfEvent(id) => id.weight(),
            TicketFilter::OfEmail(email) => email.len(),
        };
        RECORD + of + self.cursor.weight()
    }
}
