//! Tickets: who has which seats, and for how long.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{EventId, InvalidField, Millis, TicketId, check_attributes};

/// Most bytes of an email, from RFC 5321 (a path of 256, less its angle brackets).
const MAX_EMAIL_BYTES: usize = 254;
/// Most characters of an idempotency key.
const MAX_KEY_CHARS: usize = 255;

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TicketStatus {
    /// A hold: its seats are taken until it expires.
    Reserved,
    /// Sold.
    Confirmed,
    /// Over: cancelled by somebody, or run out. Its seats are free.
    Cancelled,
}

impl TicketStatus {
    /// The name in SQL, REST and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Reserved, Self::Confirmed, Self::Cancelled].into_iter().find(|s| s.name() == name)
    }
}

/// A ticket as it stands at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its name, and with header roles the key to it.
    pub id: TicketId,
    /// What it is for.
    pub event_id: EventId,
    /// As the caller wrote it, trimmed.
    pub email: String,
    /// Seats, at least 1.
    pub quantity: u32,
    /// At that moment.
    pub status: TicketStatus,
    /// When its seats were taken.
    pub reserved_at: Millis,
    /// From then on an unconfirmed hold is over.
    pub expires_at: Millis,
    /// When it was confirmed.
    pub confirmed_at: Option<Millis>,
    /// When its seats became free: `expires_at` where the hold ran out.
    pub cancelled_at: Option<Millis>,
    /// The JSON object that the module stored with it.
    pub attributes: Option<String>,
}

/// What can be done to a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The caller takes the seats for good.
    Confirm,
    /// The caller gives them back.
    Cancel,
    /// The host takes them back if the hold is due.
    Expire,
}

/// What an action comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Nothing to do; the answer is the ticket as it is.
    Unchanged,
    /// The hold becomes a sale at this moment.
    Confirm(Millis),
    /// The ticket is over from this moment on, and its seats return to the event.
    Release(Millis),
    /// Refused: the hold ran out.
    HoldExpired,
    /// Refused: somebody cancelled it.
    TicketCancelled,
}

impl Ticket {
    /// Whether its hold has run out and nobody has released it yet.
    #[must_use]
    pub fn is_due(&self, now: Millis) -> bool {
        self.status == TicketStatus::Reserved && self.expires_at <= now
    }

    /// Whether it ended because its hold ran out, not because somebody cancelled it.
    #[must_use]
    pub fn ran_out(&self) -> bool {
        self.status == TicketStatus::Cancelled
            && self.confirmed_at.is_none()
            && self.cancelled_at == Some(self.expires_at)
    }

    /// The ticket as everybody sees it: a due hold is over, whether or not it has been released.
    #[must_use]
    pub fn seen_at(mut self, now: Millis) -> Self {
        if self.is_due(now) {
            self.status = TicketStatus::Cancelled;
            self.cancelled_at = Some(self.expires_at);
        }
        self
    }

    /// The one transition function of a ticket. The SQL that carries it out repeats the guard.
    #[must_use]
    pub fn transition(&self, action: Action, now: Millis) -> Transition {
        use {Action as A, TicketStatus as S, Transition as T};
        match (self.status, action) {
            (S::Reserved, A::Confirm) if self.is_due(now) => T::HoldExpired,
            (S::Reserved, A::Confirm) => T::Confirm(now),
            (S::Reserved, A::Cancel | A::Expire) if self.is_due(now) => T::Release(self.expires_at),
            (S::Reserved | S::Confirmed, A::Cancel) => T::Release(now),
            (S::Cancelled, A::Confirm) if self.ran_out() => T::HoldExpired,
            (S::Cancelled, A::Confirm) => T::TicketCancelled,
            (S::Reserved, A::Expire)
            | (S::Confirmed, A::Confirm | A::Expire)
            | (S::Cancelled, A::Cancel | A::Expire) => T::Unchanged,
        }
    }
}

/// An email, trimmed and within its limits. Whether it has the shape of an address is the module's to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    shown: String,
    key: String,
}

impl Email {
    /// Trims and checks `text`.
    ///
    /// # Errors
    /// Empty, over 254 bytes, or with a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        let shown = text.trim();
        let detail = if shown.is_empty() {
            "must not be empty".to_owned()
        } else if shown.len() > MAX_EMAIL_BYTES {
            format!("must be at most {MAX_EMAIL_BYTES} bytes")
        } else if shown.chars().any(char::is_control) {
            "must not contain control characters".to_owned()
        } else {
            return Ok(Self { shown: shown.to_owned(), key: shown.to_ascii_lowercase() });
        };
        Err(InvalidField::new("/email", detail))
    }

    /// As the caller wrote it, trimmed.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// In ASCII lower case: what is compared.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A caller's own name for one registration, so that it can be repeated safely.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Checks `text`.
    ///
    /// # Errors
    /// Not 1 to 255 characters, or with a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        let good = (1..=MAX_KEY_CHARS).contains(&text.chars().count());
        if good && !text.chars().any(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        let detail = format!("must be 1 to {MAX_KEY_CHARS} characters, none of them a control character");
        Err(InvalidField::new("/idempotency_key", detail))
    }

    /// The key as the caller wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the host allows of a registration, whatever the module asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationLimits {
    /// The longest hold, and the one of a module that asks for none.
    pub hold: Duration,
    /// Most seats in one ticket.
    pub max_quantity: u32,
}

/// What a module asks to be reserved, not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationRequest {
    /// Which event.
    pub event_id: EventId,
    /// Whose ticket.
    pub email: String,
    /// Seats.
    pub quantity: u32,
    /// How long the hold lasts; `None`, or longer than the host's: the host's.
    pub hold: Option<Duration>,
    /// The caller's own name for the registration.
    pub key: Option<String>,
    /// A JSON object to keep with the ticket.
    pub attributes: Option<String>,
}

/// A registration within all limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Which event.
    pub event_id: EventId,
    /// Whose ticket.
    pub email: Email,
    /// Seats, 1 to the host's maximum.
    pub quantity: u32,
    /// How long the hold lasts, at most the host's.
    pub hold: Duration,
    /// The caller's own name for the registration.
    pub key: Option<IdempotencyKey>,
    /// A JSON object to keep with the ticket.
    pub attributes: Option<String>,
}

impl RegistrationRequest {
    /// Checks every limit, and names every one that does not hold.
    ///
    /// # Errors
    /// What is wrong, field by field.
    pub fn check(self, limits: RegistrationLimits) -> Result<Registration, Vec<InvalidField>> {
        let mut found = Vec::new();
        let email = Email::parse(&self.email).map_err(|e| found.push(e)).ok();
        let key = self.key.as_deref().map(IdempotencyKey::parse).transpose();
        let key = key.map_err(|e| found.push(e)).ok().flatten();
        if !(1..=limits.max_quantity).contains(&self.quantity) {
            let detail = format!("must be 1 to {}", limits.max_quantity);
            found.push(InvalidField::new("/quantity", detail));
        }
        if self.hold.is_some_and(|hold| hold.is_zero()) {
            found.push(InvalidField::new("/hold_ms", "must be at least 1"));
        }
        if let Some(attributes) = &self.attributes {
            check_attributes(attributes, &mut found);
        }
        let (Some(email), true) = (email, found.is_empty()) else { return Err(found) };
        Ok(Registration {
            event_id: self.event_id,
            email,
            quantity: self.quantity,
            hold: self.hold.unwrap_or(limits.hold).min(limits.hold),
            key,
            attributes: self.attributes,
        })
    }
}

impl Registration {
    /// Tells the registrations of one key apart: SHA-256 over event, email as compared, and quantity, each with
    /// its length before it, so that no two of them read the same.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [self.event_id.as_str(), self.email.key()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(self.quantity.to_be_bytes());
        hash.finalize().into()
    }
}

/// Whose tickets a list has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketFilter {
    /// All tickets of one event.
    OfEvent(EventId),
    /// All tickets of one email.
    OfEmail(Email),
}

/// Which tickets, and how many, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketQuery {
    /// Whose tickets.
    pub filter: TicketFilter,
    /// Items of the page, 1 to [`super::MAX_PAGE`].
    pub limit: u32,
    /// Where the page before ended.
    pub cursor: Option<String>,
}
