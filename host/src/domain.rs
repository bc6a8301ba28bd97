//! What boxoffice is about: events, tickets, and who may do what to them.
//!
//! Pure: no SQL, no HTTP, no wasm, no clock. Every limit of the contract that concerns an argument stands here,
//! so that it is the same for every module and every store.

mod access;
mod api_key;
mod audit;
mod event;
mod ids;
mod ticket;
mod time;

pub use access::{Identity, OwnerId, Permission, Principal, Role, Roles};
pub use api_key::{ApiKey, MAX_KEY_NAME, MAX_KEY_SUBJECT, NewApiKey};
pub use audit::{Actor, AuditAction, AuditEntry, AuditQuery, Origin};
pub use event::{Event, EventPatch, EventQuery, MAX_CAPACITY, NewEvent};
pub use ids::{ApiKeyId, EventId, IdSource, TicketId};
pub use ticket::{
    Action, Email, IdempotencyKey, Registration, RegistrationLimits, RegistrationRequest, Ticket, TicketFilter,
    TicketQuery, TicketStatus, Transition,
};
pub use time::Millis;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In the order of the list, at most as many as were asked for.
    pub items: Vec<T>,
    /// Asks for the page after this one; `None` on the last page. Opaque to everybody but the store.
    pub next_cursor: Option<String>,
}

/// Most items that one page can have.
pub const MAX_PAGE: u32 = 100;

/// Most bytes of an `attributes` object, as JSON text.
pub const MAX_ATTRIBUTES_BYTES: usize = 8 * 1024;

/// One thing that is wrong with an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidField {
    /// JSON Pointer (RFC 6901) in the names of the REST contract.
    pub pointer: String,
    /// What is wrong and what would be right, for a person.
    pub detail: String,
}

impl InvalidField {
    /// A finding about the argument at `pointer`.
    pub fn new(pointer: &str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.to_owned(), detail: detail.into() }
    }
}

/// Checks the limits of a page.
///
/// # Errors
/// A limit outside 1 to [`MAX_PAGE`].
pub fn check_limit(limit: u32) -> Result<(), InvalidField> {
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(());
    }
    Err(InvalidField::new("/limit", format!("must be 1 to {MAX_PAGE}")))
}

/// Checks that `text` is a JSON object of at most [`MAX_ATTRIBUTES_BYTES`].
fn check_attributes(text: &str, found: &mut Vec<InvalidField>) {
    if text.len() > MAX_ATTRIBUTES_BYTES {
        found.push(InvalidField::new("/attributes", format!("must be at most {MAX_ATTRIBUTES_BYTES} bytes of JSON")));
    } else if let Err(error) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        found.push(InvalidField::new("/attributes", format!("must be a JSON object: {error}")));
    }
}
