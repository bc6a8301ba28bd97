//! The codes of refusals. Those of the REST contract are constants of [`Code`]; rules add their own.

use std::borrow::Cow;

use crate::refusal::Refusal;

/// Why a request was refused: a name that programs go by, with a title and advice for people.
///
/// ```
/// use boxoffice_sdk::Code;
///
/// const MEMBERS_FIRST: Code = Code::new(403, "members_first", "Members first", "Only members can register yet; come back later.");
///
/// let refusal = MEMBERS_FIRST.because("Members register first, until noon; come back then.");
/// assert_eq!(refusal.code().name(), "members_first");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    status: u16,
    name: &'static str,
    title: &'static str,
    advice: &'static str,
}

impl Code {
    /// A code: its HTTP status, 400 to 599; its name, lower case words joined by `_`; the title of every refusal with it; and what to do
    /// about it, where there is nothing more special to say.
    ///
    /// # Panics
    /// If the status or the name is none of those; a constant with one does not compile.
    ///
    /// ```compile_fail
    /// use boxoffice_sdk::Code;
    ///
    /// const NO_REFUSAL: Code = Code::new(200, "fine", "All is well", "Nothing is to be done.");
    /// println!("{}", NO_REFUSAL.name());
    /// ```
    #[must_use]
    pub const fn new(status: u16, name: &'static str, title: &'static str, advice: &'static str) -> Self {
        assert!(400 <= status && status <= 599, "the status of a refusal is 400 to 599");
        assert!(is_code_name(name), "the name of a refusal is lower case words, with digits, joined by _");
        Self { status, name, title, advice }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.status
    }

    /// What programs go by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The same for every refusal of this code.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.title
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        self.advice
    }

    /// A refusal with what is special about it this time, and what to do.
    #[must_use]
    pub fn because(self, detail: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::from(self).because(detail)
    }
}

/// Whether this is lower case words, with digits, joined by `_`.
const fn is_code_name(name: &str) -> bool {
    let (bytes, mut at) = (name.as_bytes(), 0);
    // As at the beginning: a word has to come.
    let mut word_begins = true;
    while at < bytes.len() {
        match bytes[at] {
            b'a'..=b'z' => word_begins = false,
            b'0'..=b'9' if at > 0 => word_begins = false,
            b'_' if !word_begins => word_begins = true,
            _ => return false,
        }
        at += 1;
    }
    !word_begins
}

/// The codes of the REST contract.
impl Code {
    /// What was sent is wrong; the refusal lists the faults.
    pub const INVALID_REQUEST: Self = Self::new(
        400,
        "invalid_request",
        "The request is not valid",
        "Correct what `errors` lists and send the request again.",
    );
    /// The caller may not do this.
    pub const FORBIDDEN: Self = Self::new(
        403,
        "forbidden",
        "Not allowed",
        "The caller's role does not allow this; call with a role that does.",
    );
    /// There is no such event.
    pub const EVENT_NOT_FOUND: Self =
        Self::new(404, "event_not_found", "No such event", "No event has this id; GET /events lists those there are.");
    /// There is no such ticket, or it is another caller's.
    pub const TICKET_NOT_FOUND: Self = Self::new(
        404,
        "ticket_not_found",
        "No such ticket",
        "No ticket of this caller has this id; check the id that the registration gave.",
    );
    /// Fewer seats are available than were asked for.
    pub const SOLD_OUT: Self = Self::new(
        409,
        "sold_out",
        "Not enough seats are available",
        "Fewer seats are available than were asked for; ask for fewer, or try again when holds have run out.",
    );
    /// The email has a live ticket for the event.
    pub const ALREADY_REGISTERED: Self = Self::new(
        409,
        "already_registered",
        "This email is registered already",
        "The email has a live ticket for this event; use that one, or cancel it before registering again.",
    );
    /// The hold was not confirmed in time.
    pub const HOLD_EXPIRED: Self = Self::new(
        409,
        "hold_expired",
        "The hold has run out",
        "The hold ran out before it was confirmed and its seats are free again; register anew.",
    );
    /// A cancelled ticket cannot be confirmed.
    pub const TICKET_CANCELLED: Self = Self::new(
        409,
        "ticket_cancelled",
        "The ticket is cancelled",
        "A cancelled ticket cannot be confirmed; register anew.",
    );
    /// An event cannot have fewer seats than are taken.
    pub const CAPACITY_BELOW_SOLD: Self = Self::new(
        409,
        "capacity_below_sold",
        "More seats are taken than there would be",
        "More seats are reserved or confirmed than there would be; ask for more.",
    );
    /// Others were quicker to change the event, each time.
    pub const EDIT_CONFLICT: Self = Self::new(
        409,
        "edit_conflict",
        "Others are changing the event",
        "The event changed each time that this was to be merged with it; send the request again.",
    );
    /// The host has a reason that this version of the rules has no name for.
    pub const REFUSED: Self = Self::new(
        409,
        "refused",
        "The request was refused",
        "The host refused this without a reason that these rules know.",
    );
    /// An attribute of the event is not what these rules read there. Its organizer has to correct it, not the caller.
    pub const WRONG_ATTRIBUTE: Self = Self::new(
        409,
        "wrong_attribute",
        "An attribute of the event is wrong",
        "The event's organizer has to correct its attributes.",
    );
    /// `If-Match` does not hold.
    pub const PRECONDITION_FAILED: Self = Self::new(
        412,
        "precondition_failed",
        "The event has changed",
        "Read the event again and send the change with its new ETag.",
    );
    /// The idempotency key was used for something else.
    pub const IDEMPOTENCY_KEY_REUSED: Self = Self::new(
        422,
        "idempotency_key_reused",
        "The idempotency key belongs to another request",
        "The key was used for another event, email or quantity; use a new key for a new registration.",
    );
    /// The host broke a promise of the contract, or the rules made a mistake.
    pub const RULES_FAILED: Self = Self::new(
        500,
        "rules_failed",
        "The rules failed",
        "The fault is not the request's; report the request id to the operator.",
    );
}
