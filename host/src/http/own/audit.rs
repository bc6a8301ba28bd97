//! `GET /audit`: who did what to which event or ticket.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};
use serde::Serialize;

use super::super::{Turn, request};
use crate::domain::{
    AuditEntry, AuditQuery, EventId, Identity, InvalidField, Page, Permission, Principal, TicketId, check_limit,
};
use crate::error::Error;
use crate::store::ListRefusal;
use crate::wasm::Answer;

/// Items of a page that does not say how many.
const LIMIT: u32 = 50;

/// One entry, in the names of the REST contract.
#[derive(Serialize)]
struct Item<'a> {
    seq: u64,
    at: String,
    action: &'static str,
    event_id: &'a str,
    ticket_id: Option<&'a str>,
    owner: &'a str,
    roles: Vec<&'a str>,
    address: String,
    module: String,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Listed<'a> {
    items: Vec<Item<'a>>,
    next_cursor: Option<&'a str>,
}

pub(super) async fn answer(turn: &Turn<'_>, parts: &Parts, principal: &Principal) -> Result<Answer, Error> {
    if !principal.may(Permission::ReadAudit) {
        return Err(refusal(principal));
    }
    let query = query(parts.uri.query())?;
    let page = turn.app.store.audit(principal, query).await?.map_err(|refusal| match refusal {
        ListRefusal::Invalid(field) => invalid(&field),
        ListRefusal::EventNotFound => Error::EventNotFound,
        ListRefusal::NotYours => Error::NotYours,
    })?;
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    Ok(Answer { status: StatusCode::OK, headers, body: body(&page)? })
}

/// Why this caller may not read it.
fn refusal(principal: &Principal) -> Error {
    // Whoever claims the role that it needs is refused for want of proof.
    let claimed = Principal { identity: Identity::Unproved { may_search: true }, ..principal.clone() };
    if claimed.may(Permission::ReadAudit) && matches!(principal.identity, Identity::Unproved { .. }) {
        return Error::Unproved;
    }
    Error::lacks(principal, "organizer")
}

fn query(raw: Option<&str>) -> Result<AuditQuery, Error> {
    let mut query = AuditQuery { event_id: None, ticket_id: None, limit: LIMIT, cursor: None };
    let mut seen = Vec::new();
    for (name, value) in request::query(raw)? {
        match name.as_str() {
            "event_id" => query.event_id = Some(EventId::new(value)),
            "ticket_id" => query.ticket_id = Some(TicketId::new(value)),
            "limit" => query.limit = plain_number(&value).unwrap_or(0),
            "cursor" => query.cursor = Some(value),
            _ => {
                let known = "event_id, ticket_id, limit and cursor";
                return Err(Error::InvalidRequest(format!(
                    "The audit trail knows no parameter {name:?}, only {known}."
                )));
            }
        }
        if seen.contains(&name) {
            return Err(Error::InvalidRequest(format!("The parameter {name} comes twice.")));
        }
        seen.push(name);
    }
    check_limit(query.limit).map_err(|field| invalid(&field))?;
    Ok(query)
}

/// A number in plain digits, as all lists have it. `u32::from_str` alone would take `+5` and `007` too.
fn plain_number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

fn invalid(field: &InvalidField) -> Error {
    let name = field.pointer.trim_start_matches('/');
    Error::InvalidRequest(format!("The parameter {name} {}.", field.detail))
}

fn body(page: &Page<AuditEntry>) -> Result<Bytes, Error> {
    let items = page.items.iter().map(item).collect();
    let listed = Listed { items, next_cursor: page.next_cursor.as_deref() };
    serde_json::to_vec(&listed).map(Bytes::from).map_err(|error| Error::Internal(format!("the audit trail: {error}")))
}

fn item(entry: &AuditEntry) -> Item<'_> {
    Item {
        seq: entry.seq,
        at: humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(entry.at.as_u64())).to_string(),
        action: entry.action.name(),
        event_id: entry.event_id.as_str(),
        ticket_id: entry.ticket_id.as_ref().map(TicketId::as_str),
        owner: &entry.owner,
        roles: entry.roles.split(',').filter(|role| !role.is_empty()).collect(),
        address: entry.origin.address.to_string(),
        module: hex(&entry.origin.module),
        request_id: &entry.origin.request_id,
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(2 * digest.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
