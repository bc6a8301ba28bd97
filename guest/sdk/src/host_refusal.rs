//! Why a host function did nothing, one type for each. Each becomes the [`Refusal`] of the REST contract by `?`.

use crate::code::Code;
use crate::refusal::{Fault, Refusal};

/// Why an event was not created. Nothing was written.
#[derive(Clone, Debug, PartialEq)]
pub enum CreateRefusal {
    /// The caller lacks the organizer's role.
    AccessDenied,
    /// These arguments are wrong.
    Invalid(Vec<Fault>),
    /// A reason that this version of the contract has no name for.
    Other(String),
}

impl From<CreateRefusal> for Refusal {
    fn from(refusal: CreateRefusal) -> Self {
        match refusal {
            CreateRefusal::AccessDenied => Code::FORBIDDEN.into(),
            CreateRefusal::Invalid(faults) => Self::invalid_all(faults),
            CreateRefusal::Other(text) => Self::other(text),
        }
    }
}

/// Why an event was not given.
#[derive(Clone, Debug, PartialEq)]
pub enum GetEventRefusal {
    /// There is none of this id.
    EventNotFound,
    /// The host lets nobody ask now, for example in the smoke call.
    AccessDenied,
    /// A reason that this version of the contract has no name for.
    Other(String),
}

impl From<GetEventRefusal> for Refusal {
    fn from(refusal: GetEventRefusal) -> Self {
        match refusal {
            GetEventRefusal::EventNotFound => Code::EVENT_NOT_FOUND.into(),
            GetEventRefusal::AccessDenied => Code::FORBIDDEN.into(),
            GetEventRefusal::Other(text) => Self::other(text),
        }
    }
}

/// Why no page of events was given.
#[derive(Clone, Debug, PartialEq)]
pub enum ListEventsRefusal {
    /// The host lets nobody ask now, for example in the smoke call.
    AccessDenied,
    /// For example a limit of 0, or a cursor that is not one of this query's.
    Invalid(Vec<Fault>),
    /// A reason that this version of the contract has no name for.
    Other(String),
}

impl From<ListEventsRefusal> for Refusal {
    fn from(refusal: ListEventsRefusal) -> Self {
        match refusal {
            ListEventsRefusal::AccessDenied => Code::FORBIDDEN.into(),
            ListEventsRefusal::Invalid(faults) => Self::invalid_all(faults),
            ListEventsRefusal::Other(text) => Self::other(text),
        }
    }
}

/// Why an event was not changed. Nothing was written.
#[derive(Clone, Debug, PartialEq)]
pub enum UpdateRefusal {
    /// There is none of this id.
    EventNotFound,
    /// The caller lacks the organizer's role, or the event is another organizer's.
    AccessDenied,
    /// `if_version` does not hold; this is the present version.
    VersionMismatch(u64),
    /// Fewer seats than are reserved and confirmed; this many are.
    CapacityBelowSold(u32),
    /// These arguments are wrong.
    Invalid(Vec<Fault>),
    /// A reason that this version of the contract has no name for.
    Other(String),
}

impl From<UpdateRefusal> for Refusal {
    fn from(refusal: UpdateRefusal) -> Self {
        match refusal {
            UpdateRefusal::EventNotFound => Code::EVENT_NOT_FOUND.into(),
            UpdateRefusal::AccessDenied => Self::of_another_organizer(),
            UpdateRefusal::VersionMismatch(present) => Code::PRECONDITION_FAILED.because(format!(
                "The event has version {present} now, which If-Match does not name; read it again and send the change with its new ETag."
            )),
            UpdateRefusal::CapacityBelowSold(taken) => Code::CAPACITY_BELOW_SOLD.because(format!(
                "{taken} seats are reserved or confirmed, so the capacity must be at least {taken}; cancel tickets to have fewer."
            )),
            UpdateRefusal::Invalid(faults) => Self::invalid_all(faults),
            UpdateRefusal::Other(text) => Self::other(text),
        }
    }
}

/// Why no seat was taken, in order of precedence. Nothing was written.
#[derive(Clone, Debug, PartialEq)]
pub enum RegisterRefusal {
    /// The caller lacks the user's role.
    AccessDenied,
    /// These arguments are wrong.
    Invalid(Vec<Fault>),
    /// The key belongs to another registration.
    IdempotencyKeyReused,
    /// There is none of this id.
    EventNotFound,
    /// The email has a live ticket for this event.
    AlreadyRegistered,
    /// Fewer seats are available than were asked for.
    SoldOut,
    /// A reason that this version of the contract has no name for.
    Other(String),
}

impl From<RegisterRefusal> for Refusal {
    fn from(refusal: RegisterRefusal) -> Self {
        match refusal {
            RegisterRefusal::AccessDenied => Code::FORBIDDEN.into(),
            RegisterRefusal::Invalid(faults) => Self::invalid_all(faults),
            RegisterRefusal::IdempotencyKeyReused => Code::IDEMPOTENCY_KEY_REUSED.into(),
            RegisterRefusal::EventNotFound => Code::EVENT_NOT_FOUND.into(),
            RegisterRefusal::AlreadyRegistered => Code::ALREADY_REGISTERED.into(),
            RegisterRefusal::SoldOut => Code::SOLD_OUT.into(),
            RegisterRefusal::Other(text) => Self::other(text),
        }
    }
}

/// Why a ticket was not given.
#[derive(Clone, Debug, PartialEq)]
pub enum GetTicketRefusal {
    /// The caller lacks the user's role.
    AccessDenied,
    /// There is none of this id, or it is another caller's.
    TicketNotFound,
    /// A reason that this version of the contract has no name for.
    Other(String),
}

impl From<GetTicketRefusal> for Refusal {
    fn from(refusal: GetTicketRefusal) -> Self {
        match refusal {
            GetTicketRefusal::AccessDenied => Code::FORBIDDEN.into(),
            GetTicketRefusal::TicketNotFound => Code::TICKET_NOT_FOUND.into(),
            GetTicketRefusal::Other(text) => Self::other(text),
        }
    }
}

/// Why a ticket was not confirmed.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfirmRefusal {
    /// The caller lacks the user's role.
    AccessDenied,
    /// There is none of this id, or it is another caller's.
    TicketNotFound,
    /// Its hold ran out.
    HoldExpired,
    /// Somebody cancelled it.
    TicketCancelled,
    /// A reason that this version of the contract has no name for.
    Other(String),
}

impl From<ConfirmRefusal> for Refusal {
    fn from(refusal: ConfirmRefusal) -> Self {
        match refusal {
            ConfirmRefusal::AccessDenied => Code::FORBIDDEN.into(),
            ConfirmRefusal::TicketNotFound => Code::TICKET_NOT_FOUND.into(),
            ConfirmRefusal::HoldExpired => Code::HOLD_EXPIRED.into(),
            ConfirmRefusal::TicketCancelled => Code::TICKET_CANCELLED.into(),
            ConfirmRefusal::Other(text) => Self::other(text),
        }
    }
}

/// Why a ticket was not cancelled.
#[derive(Clone, Debug, PartialEq)]
pub enum CancelRefusal {
    /// The caller lacks the user's role.
    AccessDenied,
    /// There is none of this id, or it is another caller's.
    TicketNotFound,
    /// A reason that this version of the contract has no name for.
    Other(String),
}

impl From<CancelRefusal> for Refusal {
    fn from(refusal: CancelRefusal) -> Self {
        match refusal {
            CancelRefusal::AccessDenied => Code::FORBIDDEN.into(),
            CancelRefusal::TicketNotFound => Code::TICKET_NOT_FOUND.into(),
            CancelRefusal::Other(text) => Self::other(text),
        }
    }
}

/// Why no page of tickets was given.
#[derive(Clone, Debug, PartialEq)]
pub enum ListTicketsRefusal {
    /// The caller lacks the role, or the event is another organizer's.
    AccessDenied,
    /// There is none of this id.
    EventNotFound,
    /// For example a limit of 0, or a cursor that is not one of this query's.
    Invalid(Vec<Fault>),
    /// A reason that this version of the contract has no name for.
    Other(String),
}

impl From<ListTicketsRefusal> for Refusal {
    fn from(refusal: ListTicketsRefusal) -> Self {
        match refusal {
            ListTicketsRefusal::AccessDenied => Code::FORBIDDEN.into(),
            ListTicketsRefusal::EventNotFound => Code::EVENT_NOT_FOUND.into(),
            ListTicketsRefusal::Invalid(faults) => Self::invalid_all(faults),
            ListTicketsRefusal::Other(text) => Self::other(text),
        }
    }
}
