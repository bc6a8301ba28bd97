//! How often a run may call the store, and how many bytes that may move.
//!
//! A call that would be over the quota does not begin; one that has begun is finished, so that no effect of a call is ever cut off from
//! its answer. What one single call hands over is bounded by wasmtime, before it reaches us (`set_hostcall_fuel`).

use std::fmt;

use crate::wasm::bindings::boxoffice::rules::events::{EventPage, EventPatch, EventQuery, NewEvent};
use crate::wasm::bindings::boxoffice::rules::tickets::{
    Registered, Registration, TicketFilter, TicketPage, TicketQuery,
};
use crate::wasm::bindings::boxoffice::rules::types::{Event, Ticket};
use crate::wasm::limits::Limits;

/// What a run's calls have used up.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::wasm) struct Quota {
    calls: u32,
    bytes: usize,
}

/// The guest called too often, or moved too many bytes.
#[derive(Debug, Clone, Copy)]
pub(in crate::wasm) struct QuotaExceeded {
    what: &'static str,
    limit: usize,
}

impl fmt::Display for QuotaExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} {} in one request", self.limit, self.what)
    }
}

impl std::error::Error for QuotaExceeded {}

impl Quota {
    /// One call begins, with arguments of so many bytes.
    pub(super) fn call(&mut self, bytes: usize, limits: &Limits) -> wasmtime::Result<()> {
        self.calls = self.calls.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.calls > limits.host_calls {
            return Err(QuotaExceeded { what: "host calls", limit: limits.host_calls as usize }.into());
        }
        if self.bytes > limits.host_bytes {
            return Err(QuotaExceeded { what: "bytes of host calls", limit: limits.host_bytes }.into());
        }
        Ok(())
    }

    /// A call answers with so many bytes: the next one may be too many.
    pub(super) fn answered(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Bytes so far, both ways.
    pub(in crate::wasm) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Calls so far.
    pub(in crate::wasm) fn calls(&self) -> u32 {
        self.calls
    }
}

/// How many bytes a value moves, near enough: its texts, and a little for the rest.
pub(in crate::wasm) trait Weight {
    /// Bytes.
    fn weight(&self) -> usize;
}

/// What an item of a list costs, whatever is in it: nothing is free.
const ITEM: usize = 24;
/// Numbers, flags and lengths of one record.
const RECORD: usize = 64;

impl Weight for String {
    fn weight(&self) -> usize {
        self.len()
    }
}

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
        RECORD + self.id.len() + self.name.len() + self.tags.weight() + self.attributes.len()
    }
}

impl Weight for Ticket {
    fn weight(&self) -> usize {
        RECORD + self.id.len() + self.event_id.len() + self.email.len() + self.attributes.weight()
    }
}

impl Weight for EventPage {
    fn weight(&self) -> usize {
        self.items.weight() + self.next_cursor.weight()
    }
}

impl Weight for Registered {
    fn weight(&self) -> usize {
        self.ticket.weight()
    }
}

impl Weight for TicketPage {
    fn weight(&self) -> usize {
        self.items.weight() + self.next_cursor.weight()
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
        let texts = self.event_id.len() + self.email.len() + self.idempotency_key.weight();
        RECORD + texts + self.attributes.weight()
    }
}

impl Weight for TicketQuery {
    fn weight(&self) -> usize {
        let (TicketFilter::OfEvent(of) | TicketFilter::OfEmail(of)) = &self.filter;
        RECORD + of.len() + self.cursor.weight()
    }
}
