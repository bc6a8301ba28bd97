//! Between the contract's types and the domain's.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain;
use crate::domain::{Millis, Role, Roles};
use crate::wasm::bindings::boxoffice::rules::types as wit;

/// Each role, and the flag that a guest sees.
const ROLES: [(Role, wit::Roles); 3] =
    [(Role::User, wit::Roles::USER), (Role::Organizer, wit::Roles::ORGANIZER), (Role::Admin, wit::Roles::ADMIN)];

/// The roles of a caller, as a guest sees them.
#[must_use]
pub fn roles_for_guest(roles: Roles) -> wit::Roles {
    let held = ROLES.into_iter().filter(|(role, _)| roles.has(*role));
    held.fold(wit::Roles::empty(), |all, (_, flag)| all | flag)
}

/// As names, for recordings.
impl Serialize for wit::Roles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ROLES.into_iter().filter(|(_, flag)| self.contains(*flag)).map(|(role, _)| role.name()))
    }
}

impl<'de> Deserialize<'de> for wit::Roles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let role = |name: &String| Role::named(name).ok_or_else(|| D::Error::custom(format!("no role {name:?}")));
        Ok(roles_for_guest(names.iter().map(role).collect::<Result<Roles, _>>()?))
    }
}

impl From<domain::Event> for wit::Event {
    fn from(event: domain::Event) -> Self {
        Self {
            id: event.id.as_str().to_owned(),
            name: event.name,
            capacity: event.capacity,
            available: event.available,
            reserved: event.reserved,
            confirmed: event.confirmed,
            starts_at_ms: event.starts_at.map(Millis::as_u64),
            tags: event.tags,
            attributes: event.attributes,
            created_at_ms: event.created_at.as_u64(),
            version: event.version,
        }
    }
}

impl From<domain::Ticket> for wit::Ticket {
    fn from(ticket: domain::Ticket) -> Self {
        Self {
            id: ticket.id.as_str().to_owned(),
            event_id: ticket.event_id.as_str().to_owned(),
            email: ticket.email,
            quantity: ticket.quantity,
            status: match ticket.status {
                domain::TicketStatus::Reserved => wit::TicketStatus::Reserved,
                domain::TicketStatus::Confirmed => wit::TicketStatus::Confirmed,
                domain::TicketStatus::Cancelled => wit::TicketStatus::Cancelled,
            },
            reserved_at_ms: ticket.reserved_at.as_u64(),
            expires_at_ms: ticket.expires_at.as_u64(),
            confirmed_at_ms: ticket.confirmed_at.map(Millis::as_u64),
            cancelled_at_ms: ticket.cancelled_at.map(Millis::as_u64),
            attributes: ticket.attributes,
        }
    }
}

impl From<domain::InvalidField> for wit::InvalidField {
    fn from(field: domain::InvalidField) -> Self {
        Self { pointer: field.pointer, detail: field.detail }
    }
}

/// Findings, as the contract has them.
pub(super) fn findings(fields: Vec<domain::InvalidField>) -> Vec<wit::InvalidField> {
    fields.into_iter().map(Into::into).collect()
}

/// A moment from the contract.
pub(super) fn moment(pointer: &str, ms: u64) -> Result<Millis, Vec<wit::InvalidField>> {
    Millis::from_u64(ms)
        .ok_or_else(|| findings(vec![domain::InvalidField::new(pointer, "must be a moment of the years 1970 to 9999")]))
}

/// A moment from the contract, where there is one.
pub(super) fn optional_moment(pointer: &str, ms: Option<u64>) -> Result<Option<Millis>, Vec<wit::InvalidField>> {
    ms.map(|ms| moment(pointer, ms)).transpose()
}
