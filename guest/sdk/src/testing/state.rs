//! What the host in memory knows: events, tickets, and who made them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::app::LogLine;
use super::script::Script;
use crate::event::Event;
use crate::ids::{EventId, TicketId};
use crate::moment::Moment;
use crate::request::Roles;
use crate::ticket::{Ticket, TicketStatus};

/// Which caller it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// No credential came.
    Nobody,
    /// Header roles: anybody can claim any, so the id of a row is the key to it.
    Unproved,
    /// A credential that was proved. What this caller makes is its own.
    Known(String),
}

/// Who is asking.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) roles: Roles,
    pub(super) identity: Identity,
}

impl Caller {
    /// The owner of what it makes; empty where nobody is known.
    pub(super) fn owner(&self) -> &str {
        if let Identity::Known(name) = &self.identity { name } else { "" }
    }

    /// Whether a row of `owner`'s is this caller's to see and to change.
    pub(super) fn may_touch(&self, owner: &str) -> bool {
        match &self.identity {
            Identity::Nobody => false,
            Identity::Unproved => true,
            Identity::Known(name) => self.roles.admin || name == owner,
        }
    }

    /// Whose tickets of an email the caller sees; `None`: everybody's.
    pub(super) fn only_of(&self) -> Option<&str> {
        if self.may_touch("") { None } else { Some(self.owner()) }
    }
}

pub(super) struct EventRow {
    pub(super) owner: String,
    /// As made and edited; its counts are worked out when it is asked for.
    pub(super) event: Event,
}

pub(super) struct TicketRow {
    pub(super) owner: String,
    /// The email as it is compared.
    pub(super) email_key: String,
    pub(super) idempotency_key: Option<String>,
    /// As it was made, and as what was done to it; a hold that ran out is still a reserved one here.
    pub(super) ticket: Ticket,
}

impl TicketRow {
    /// Whether its hold has run out.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        self.ticket.status == TicketStatus::Reserved && self.ticket.expires_at <= now
    }

    pub(super) fn is_live(&self, now: Moment) -> bool {
        self.ticket.status != TicketStatus::Cancelled && !self.is_due(now)
    }

    /// The ticket as it stands at `now`.
    pub(super) fn seen(&self, now: Moment) -> Ticket {
        let mut ticket = Ticket { server_time: now, ..self.ticket.clone() };
        if self.is_due(now) {
            ticket.status = TicketStatus::Cancelled;
            ticket.cancelled_at = Some(ticket.expires_at);
        }
        ticket
    }
}

/// Everything.
pub(super) struct State {
    pub(super) now: Moment,
    /// The longest hold, and the one of rules that ask for none.
    pub(super) hold: Duration,
    /// Most seats in one ticket.
    pub(super) max_quantity: u32,
    /// Whether callers of whom only a role is known may look for the tickets of an email.
    pub(super) may_search: bool,
    pub(super) events: BTreeMap<String, EventRow>,
    /// By id, which is the order in which they were made.
    pub(super) tickets: BTreeMap<String, TicketRow>,
    pub(super) script: Vec<Script>,
    pub(super) log: Vec<LogLine>,
    made: u64,
    pub(super) requests: u64,
}

impl State {
    /// 2026-11-21T09:30:00Z, and nothing there.
    pub(super) fn new() -> Self {
        Self {
            now: Moment::from_ms(1_795_253_400_000),
            hold: Duration::from_mins(5),
            max_quantity: 10,
            may_search: false,
            events: BTreeMap::new(),
            tickets: BTreeMap::new(),
            script: Vec::new(),
            log: Vec::new(),
            made: 0,
            requests: 0,
        }
    }

    /// The next id: a UUIDv7 like the host's, that a test can predict.
    fn next_id(&mut self) -> String {
        self.made += 1;
        let ms = self.now.as_ms() & 0xffff_ffff_ffff;
        format!("{:08x}-{:04x}-7000-8000-{:012x}", ms >> 16, ms & 0xffff, self.made)
    }

    pub(super) fn next_event_id(&mut self) -> EventId {
        EventId::from_text(self.next_id())
    }

    pub(super) fn next_ticket_id(&mut self) -> TicketId {
        TicketId::from_text(self.next_id())
    }

    /// The event as it stands now: its counts are those of its tickets.
    pub(super) fn seen(&self, row: &EventRow) -> Event {
        let mut event = row.event.clone();
        let of_event = self.tickets.values().filter(|ticket| ticket.ticket.event_id == event.id);
        for ticket in of_event.filter(|ticket| ticket.is_live(self.now)) {
            match ticket.ticket.status {
                TicketStatus::Confirmed => event.confirmed += ticket.ticket.quantity,
                _ => event.reserved += ticket.ticket.quantity,
            }
        }
        event.available = event.capacity.saturating_sub(event.reserved + event.confirmed);
        event
    }

    /// The ticket of this id, if there is one and it is the caller's.
    pub(super) fn ticket_of(&self, id: &TicketId, caller: &Caller) -> Option<&TicketRow> {
        self.tickets.get(id.as_str()).filter(|row| caller.may_touch(&row.owner))
    }
}
