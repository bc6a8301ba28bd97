//! Who did what, and from where.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;

use super::{EventId, Millis, Principal, TicketId};

/// Where a request came from, and what answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, as the host believes it: behind trusted proxies, the one that they name.
    pub address: IpAddr,
    /// SHA-256 of the module that served the request.
    pub module: [u8; 32],
    /// The request's id, as in the access log.
    pub request_id: String,
}

/// Who does something: a principal, in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who it is, and what they may do.
    pub principal: Principal,
    /// In which request.
    pub origin: Origin,
}

impl Actor {
    /// A principal in no request of a client's: tools, tests, simulations.
    #[must_use]
    pub fn nowhere(principal: Principal) -> Self {
        let origin = Origin { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), module: [0; 32], request_id: String::new() };
        Self { principal, origin }
    }
}

impl Deref for Actor {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// An event was created.
    CreateEvent,
    /// An event was changed.
    UpdateEvent,
    /// Seats were reserved.
    Register,
    /// A hold was confirmed.
    Confirm,
    /// A ticket was cancelled.
    Cancel,
}

impl AuditAction {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::CreateEvent, Self::UpdateEvent, Self::Register, Self::Confirm, Self::Cancel];

    /// The number in the database.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::CreateEvent => 1,
            Self::UpdateEvent => 2,
            Self::Register => 3,
            Self::Confirm => 4,
            Self::Cancel => 5,
        }
    }

    /// The name in answers: that of the host function.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateEvent => "events.create",
            Self::UpdateEvent => "events.update",
            Self::Register => "tickets.atomic-register",
            Self::Confirm => "tickets.confirm",
            Self::Cancel => "tickets.cancel",
        }
    }

    /// The action of that number.
    #[must_use]
    pub fn coded(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.code() == code)
    }
}

/// One effect, and who caused it. Written in the same transaction as the effect; a replay or a refusal has none, and what
/// the host does by itself (a hold that runs out) has none either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Counts up; never reused while later entries are there.
    pub seq: u64,
    /// When.
    pub at: Millis,
    /// What.
    pub action: AuditAction,
    /// To which event, or to a ticket of which.
    pub event_id: EventId,
    /// To which ticket.
    pub ticket_id: Option<TicketId>,
    /// Who: the owner that the caller's credential stands for, empty with header roles.
    pub owner: String,
    /// What the caller was, as names separated by commas.
    pub roles: String,
    /// In which request.
    pub origin: Origin,
}

/// Which entries, and how many, oldest first. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Of this event and its tickets. Only an admin may do without.
    pub event_id: Option<EventId>,
    /// Of this ticket.
    pub ticket_id: Option<TicketId>,
    /// Items of the page, 1 to [`super::MAX_PAGE`].
    pub limit: u32,
    /// Where the page before ended.
    pub cursor: Option<String>,
}
