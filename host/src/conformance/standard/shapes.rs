//! What things look like in JSON.

use serde_json::Value;

use super::super::bench::Talk;
use crate::domain::Millis;

/// The members that an event always has.
const EVENT: [&str; 8] = ["id", "name", "capacity", "available", "tags", "attributes", "created_at", "version"];
/// The members that a ticket always has.
const TICKET: [&str; 8] = ["id", "event_id", "email", "quantity", "status", "reserved_at", "expires_at", "server_time"];

/// The value at `pointer` is an event.
pub(super) fn is_event(talk: &Talk, pointer: &str) -> Result<(), String> {
    members(talk, pointer, "event", &EVENT)?;
    is_moment(talk, &format!("{pointer}/created_at"))
}

/// The value at `pointer` is a ticket.
pub(super) fn is_ticket(talk: &Talk, pointer: &str) -> Result<(), String> {
    members(talk, pointer, "ticket", &TICKET)?;
    ["reserved_at", "expires_at", "server_time"]
        .iter()
        .try_for_each(|name| is_moment(talk, &format!("{pointer}/{name}")))
}

fn members(talk: &Talk, pointer: &str, what: &str, names: &[&str]) -> Result<(), String> {
    let Value::Object(members) = talk.at(pointer) else { return Err(format!("there is no {what} at {pointer:?}")) };
    match names.iter().find(|name| !members.contains_key(**name)) {
        Some(missing) => Err(format!("the {what} has no {missing}")),
        None => Ok(()),
    }
}

/// RFC 3339 in UTC with milliseconds.
fn is_moment(talk: &Talk, pointer: &str) -> Result<(), String> {
    let text = talk.text_at(pointer);
    let shaped = text.len() == "2026-11-21T09:30:00.000Z".len() && text.ends_with('Z') && text.as_bytes()[19] == b'.';
    if shaped && humantime::parse_rfc3339(text).is_ok() {
        return Ok(());
    }
    Err(format!("{pointer} is {}, not a time in RFC 3339, in UTC, with milliseconds", talk.at(pointer)))
}

/// A moment as the contract writes it.
pub(super) fn moment(at: Millis) -> String {
    let since = std::time::Duration::from_millis(at.as_u64());
    humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + since).to_string()
}

/// The ids of a page, in order.
pub(super) fn ids(talk: &Talk) -> Vec<String> {
    let items = talk.at("/items").as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect()
}

/// A page with these items, in this order.
pub(super) fn is_page(talk: &Talk, wanted: &[String]) -> Result<(), String> {
    talk.is_json(200)?;
    if !talk.at("/items").is_array() {
        return Err("there is no list of items".to_owned());
    }
    let found = ids(talk);
    if found == wanted { Ok(()) } else { Err(format!("the page has {found:?}, not {wanted:?}")) }
}
