//! The limits of arguments, as the host checks them whatever the rules have checked, in its words.

use crate::event::{EventPatch, EventQuery, NewEvent};
use crate::moment::{LAST_MS, Moment};
use crate::refusal::Fault;
use crate::ticket::Registration;

const MAX_CAPACITY: u32 = 1_000_000;
const MAX_NAME_CHARS: usize = 200;
const MAX_TAGS: usize = 16;
const MAX_TAG_CHARS: usize = 64;
const MAX_WORDS_CHARS: usize = 200;
const MAX_ATTRIBUTES_BYTES: usize = 8 * 1024;
const MAX_EMAIL_BYTES: usize = 254;
const MAX_KEY_CHARS: usize = 255;
const MAX_PAGE: u32 = 100;

/// What was found, if anything.
type Checked = Result<(), Vec<Fault>>;

fn checked(found: Vec<Fault>) -> Checked {
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// A moment is looked at before all else, and alone.
fn moment(pointer: &str, at: Option<Moment>) -> Checked {
    match at {
        Some(at) if at.as_ms() > LAST_MS => {
            Err(vec![Fault::new(pointer, "must be a moment of the years 1970 to 9999")])
        }
        _ => Ok(()),
    }
}

pub(super) fn new_event(new: &NewEvent) -> Checked {
    moment("/starts_at", new.starts_at)?;
    let mut found = Vec::new();
    name(&new.name, &mut found);
    capacity(new.capacity, &mut found);
    tags(&new.tags, &mut found);
    if let Some(text) = &new.attributes {
        attributes(text, &mut found);
    }
    checked(found)
}

pub(super) fn event_patch(patch: &EventPatch) -> Checked {
    moment("/starts_at", patch.starts_at.flatten())?;
    let mut found = Vec::new();
    if let Some(text) = &patch.name {
        name(text, &mut found);
    }
    if let Some(seats) = patch.capacity {
        capacity(seats, &mut found);
    }
    if let Some(all) = &patch.tags {
        tags(all, &mut found);
    }
    if let Some(text) = &patch.attributes {
        attributes(text, &mut found);
    }
    checked(found)
}

pub(super) fn event_query(query: &EventQuery) -> Checked {
    moment("/starts_after", query.starts_after)?;
    moment("/starts_before", query.starts_before)?;
    let mut found = limit(query.limit).err().unwrap_or_default();
    if query.words.as_ref().is_some_and(|words| words.chars().count() > MAX_WORDS_CHARS) {
        found.push(Fault::new("/q", format!("must be at most {MAX_WORDS_CHARS} characters")));
    }
    if query.tag.as_ref().is_some_and(|tag| !good_tag(tag)) {
        found.push(Fault::new("/tag", format!("must be 1 to {MAX_TAG_CHARS} characters")));
    }
    checked(found)
}

pub(super) fn limit(limit: u32) -> Checked {
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(());
    }
    Err(vec![Fault::new("/limit", format!("must be 1 to {MAX_PAGE}"))])
}

pub(super) fn registration(registration: &Registration, max_quantity: u32) -> Checked {
    let mut found = email(&registration.email).err().unwrap_or_default();
    if let Some(key) = &registration.idempotency_key {
        let good = (1..=MAX_KEY_CHARS).contains(&key.chars().count()) && !key.chars().any(char::is_control);
        if !good {
            let detail = format!("must be 1 to {MAX_KEY_CHARS} characters, none of them a control character");
            found.push(Fault::new("/idempotency_key", detail));
        }
    }
    if !(1..=max_quantity).contains(&registration.quantity) {
        found.push(Fault::new("/quantity", format!("must be 1 to {max_quantity}")));
    }
    if registration.hold_ms == Some(0) {
        found.push(Fault::new("/hold_ms", "must be at least 1"));
    }
    if let Some(text) = &registration.attributes {
        attributes(text, &mut found);
    }
    checked(found)
}

pub(super) fn email(text: &str) -> Checked {
    let email = text.trim();
    let detail = if email.is_empty() {
        "must not be empty".to_owned()
    } else if email.len() > MAX_EMAIL_BYTES {
        format!("must be at most {MAX_EMAIL_BYTES} bytes")
    } else if email.chars().any(char::is_control) {
        "must not contain control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(vec![Fault::new("/email", detail)])
}

fn name(name: &str, found: &mut Vec<Fault>) {
    let detail = if name.trim().is_empty() {
        "must not be empty".to_owned()
    } else if name.chars().count() > MAX_NAME_CHARS {
        format!("must be at most {MAX_NAME_CHARS} characters")
    } else if name.chars().any(char::is_control) {
        "must not contain control characters".to_owned()
    } else {
        return;
    };
    found.push(Fault::new("/name", detail));
}

fn capacity(capacity: u32, found: &mut Vec<Fault>) {
    if !(1..=MAX_CAPACITY).contains(&capacity) {
        found.push(Fault::new("/capacity", format!("must be 1 to {MAX_CAPACITY}")));
    }
}

fn good_tag(tag: &str) -> bool {
    (1..=MAX_TAG_CHARS).contains(&tag.chars().count()) && !tag.chars().any(char::is_control)
}

fn tags(tags: &[String], found: &mut Vec<Fault>) {
    if tags.len() > MAX_TAGS {
        found.push(Fault::new("/tags", format!("must be at most {MAX_TAGS}")));
        return;
    }
    for (at, tag) in tags.iter().enumerate() {
        if !good_tag(tag) {
            let detail = format!("must be 1 to {MAX_TAG_CHARS} characters, none of them a control character");
            found.push(Fault::new(format!("/tags/{at}"), detail));
        } else if tags[..at].contains(tag) {
            found.push(Fault::new(format!("/tags/{at}"), "is there already"));
        }
    }
}

fn attributes(text: &str, found: &mut Vec<Fault>) {
    if text.len() > MAX_ATTRIBUTES_BYTES {
        found.push(Fault::new("/attributes", format!("must be at most {MAX_ATTRIBUTES_BYTES} bytes of JSON")));
    } else if let Err(error) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        found.push(Fault::new("/attributes", format!("must be a JSON object: {error}")));
    }
}
