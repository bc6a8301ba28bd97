//! Refusals, as RFC 9457 problems.

use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

use crate::handler::Response;
use crate::reply;
use crate::types::InvalidField;

/// Faults that one problem lists: enough to work with, too few to make an answer large.
const WRONGS_MAX: usize = 32;

/// Why a request was refused: its name in the REST contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidRequest,
    EventNotFound,
    TicketNotFound,
    SoldOut,
    AlreadyRegistered,
    CapacityBelowSold,
    EditConflict,
    PreconditionFailed,
    IdempotencyKeyReused,
    HoldExpired,
    TicketCancelled,
    Forbidden,
    /// The host has a reason that this version of the rules has no name for.
    Refused,
    /// The host broke a promise of the contract.
    RulesFailed,
}

impl Code {
    /// The status, the name and the title. The only table of them.
    pub(crate) fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (400, "invalid_request", "The request is not valid"),
            Self::Forbidden => (403, "forbidden", "Not allowed"),
            Self::EventNotFound => (404, "event_not_found", "No such event"),
            Self::TicketNotFound => (404, "ticket_not_found", "No such ticket"),
            Self::SoldOut => (409, "sold_out", "Not enough seats are available"),
            Self::AlreadyRegistered => (409, "already_registered", "This email is registered already"),
            Self::HoldExpired => (409, "hold_expired", "The hold has run out"),
            Self::TicketCancelled => (409, "ticket_cancelled", "The ticket is cancelled"),
            Self::CapacityBelowSold => (409, "capacity_below_sold", "More seats are taken than there would be"),
            Self::EditConflict => (409, "edit_conflict", "Others are changing the event"),
            Self::Refused => (409, "refused", "The request was refused"),
            Self::PreconditionFailed => (412, "precondition_failed", "The event has changed"),
            Self::IdempotencyKeyReused => {
                (422, "idempotency_key_reused", "The idempotency key belongs to another request")
            }
            Self::RulesFailed => (500, "rules_failed", "The rules failed"),
        }
    }

    /// What to do about it, where there is nothing more special to say.
    fn advice(self) -> &'static str {
        match self {
            Self::InvalidRequest => "Correct what `errors` lists and send the request again.",
            Self::Forbidden => "The caller's role does not allow this; call with a role that does.",
            Self::EventNotFound => "No event has this id; GET /events lists those there are.",
            Self::TicketNotFound => "No ticket of this caller has this id; check the id that the registration gave.",
            Self::SoldOut => {
                "Fewer seats are available than were asked for; ask for fewer, or try again when holds have run out."
            }
            Self::AlreadyRegistered => {
                "The email has a live ticket for this event; use that one, or cancel it before registering again."
            }
            Self::HoldExpired => {
                "The hold ran out before it was confirmed and its seats are free again; register anew."
            }
            Self::TicketCancelled => "A cancelled ticket cannot be confirmed; register anew.",
            Self::CapacityBelowSold => "More seats are reserved or confirmed than there would be; ask for more.",
            Self::EditConflict => {
                "The event changed each time that this was to be merged with it; send the request again."
            }
            Self::PreconditionFailed => "Read the event again and send the change with its new ETag.",
            Self::Refused => "The host refused this without a reason that these rules know.",
            Self::IdempotencyKeyReused => {
                "The key was used for another event, email or quantity; use a new key for a new registration."
            }
            Self::RulesFailed => "The fault is not the request's; report the request id to the operator.",
        }
    }
}

/// One thing that is wrong with a request.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Wrong {
    /// A JSON Pointer to the field, parameter or header; empty for the whole body.
    pub(crate) pointer: String,
    /// What is wrong and what would be right.
    pub(crate) detail: Cow<'static, str>,
}

/// All that is wrong with a request.
#[derive(Debug, Default)]
pub(crate) struct Wrongs(Vec<Wrong>);

impl Wrongs {
    /// Adds one, unless there are plenty.
    pub(crate) fn add(&mut self, pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) {
        if self.0.len() < WRONGS_MAX {
            self.0.push(Wrong { pointer: pointer.into(), detail: detail.into() });
        }
    }

    /// The problem that these make; there is at least one.
    pub(crate) fn into_problem(self) -> Problem {
        Problem { errors: self.0, ..Problem::from(Code::InvalidRequest) }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A refusal on its way to the caller.
#[derive(Debug)]
pub(crate) struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<Wrong>,
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self { code, detail: code.advice().into(), errors: Vec::new() }
    }
}

impl Problem {
    /// The same, with what is special about it this time, and what to do.
    pub(crate) fn because(self, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// The caller is an organizer, and the event is not theirs.
    pub(crate) fn of_another_organizer() -> Self {
        Self::from(Code::Forbidden)
            .because("Only the organizer who created the event, or an admin, may do this; call with their credential.")
    }

    /// One thing is wrong with the request.
    pub(crate) fn invalid(pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        let mut wrongs = Wrongs::default();
        wrongs.add(pointer, detail);
        wrongs.into_problem()
    }

    /// The host found these things wrong with the arguments.
    pub(crate) fn of_host(fields: Vec<InvalidField>) -> Self {
        let mut wrongs = Wrongs::default();
        for field in fields {
            wrongs.add(field.pointer, field.detail);
        }
        wrongs.into_problem()
    }

    /// The host refused for a reason that has no name here; its text says which.
    pub(crate) fn refused(text: String) -> Self {
        let detail = if text.is_empty() { Code::Refused.advice().into() } else { text.into() };
        Self { detail, ..Self::from(Code::Refused) }
    }

    /// The host gave something that it promised not to give.
    pub(crate) fn failed(why: impl fmt::Display) -> Self {
        Self { detail: format!("{why}. {}", Code::RulesFailed.advice()).into(), ..Self::from(Code::RulesFailed) }
    }

    /// The answer.
    pub(crate) fn into_response(self, request_id: &str) -> Response {
        let (status, code, title) = self.code.parts();
        let body = ProblemJson {
            kind: format!("urn:boxoffice:problem:{code}"),
            title,
            status,
            detail: &self.detail,
            code,
            request_id,
            errors: self.errors,
        };
        // Text and numbers cannot fail to become JSON; should they, an empty body still carries the status.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let headers = [("content-type", reply::PROBLEM), ("cache-control", "no-store")];
        Response { status, headers: reply::headers(headers), body }
    }
}

/// A refusal, as RFC 9457 has it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemJson<'a> {
    /// A URN that ends in the code.
    #[serde(rename = "type")]
    kind: String,
    /// The same for every problem of this code.
    title: &'a str,
    status: u16,
    /// What happened this time, and what to do about it.
    detail: &'a str,
    /// The name of the refusal.
    code: &'a str,
    request_id: &'a str,
    /// All that is wrong with the request, where that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Wrong>,
}
