//! In what two answers differ first: for people, and the same for a shadow and a replay.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::HeaderName;
use serde_json::{Map, Value, json};

use crate::recorder::file::{FailurePart, Outcome};
use crate::seen::Came;
use crate::wasm::{Answer, Digest};

/// Most characters of a value that is told.
const MAX_VALUE: usize = 120;

/// The first difference of two answers, in words; `None`: they are the same, but for the order of headers of other names. Values are told
/// as `tell` has them.
pub(crate) fn first_difference(one: &Answer, other: &Answer, tell: impl Fn(&Value) -> String) -> Option<String> {
    if one.status != other.status {
        return Some(format!("status: {} and {}", one.status.as_u16(), other.status.as_u16()));
    }
    if let Some(name) = header_difference(&one.headers, &other.headers) {
        let told = |headers| tell(&Value::from(values(headers, &name).join(", ")));
        return Some(format!("header {name}: {} and {}", told(&one.headers), told(&other.headers)));
    }
    if one.body == other.body {
        return None;
    }
    let json = |body: &Bytes| serde_json::from_slice::<Value>(body).ok();
    if let (Some(one), Some(other)) = (json(&one.body), json(&other.body))
        && let Some((place, one, other)) = json_difference(Some(&one), Some(&other), String::new())
    {
        let told = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), &tell);
        let (one, other) = (told(one), told(other));
        let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
        return Some(format!("body{place}: {one} and {other}"));
    }
    let alike = one.body.iter().zip(&other.body).take_while(|(one, other)| one == other).count();
    Some(format!("body at byte {alike} of {} and {}", one.body.len(), other.body.len()))
}

/// An answer for people and scripts: a body that is JSON as JSON, another one as text, and what is neither as `bodies` says.
fn answer_as_json(answer: &Answer, bodies: Bodies) -> Value {
    let mut headers = Map::new();
    for name in answer.headers.keys() {
        headers.insert(name.as_str().to_owned(), values(&answer.headers, name).join(", ").into());
    }
    json!({"status": answer.status.as_u16(), "headers": headers, "body": body_as_json(&answer.body, bodies)})
}

fn body_as_json(body: &Bytes, bodies: Bodies) -> Value {
    if let Ok(json) = serde_json::from_slice(body) {
        return json;
    }
    match std::str::from_utf8(body) {
        Ok(text) => text.into(),
        Err(_) if bodies == Bodies::Hidden => {
            json!({"bytes": body.len(), "sha256": Digest::of(body).to_string()})
        }
        Err(_) => json!({"base64": BASE64_STANDARD.encode(body)}),
    }
}

fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

/// A name whose values differ.
fn header_difference(one: &HeaderMap, other: &HeaderMap) -> Option<HeaderName> {
    let differs = |name: &&HeaderName| !one.get_all(*name).iter().eq(other.get_all(*name).iter());
    one.keys().chain(other.keys()).find(differs).cloned()
}

type Place<'a> = (String, Option<&'a Value>, Option<&'a Value>);

/// Where two values differ first, as a JSON Pointer, and the values there. As deep as JSON that was read can be.
fn json_difference<'a>(one: Option<&'a Value>, other: Option<&'a Value>, place: String) -> Option<Place<'a>> {
    let below = |name: &str| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
    match (one, other) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            names.into_iter().find_map(|name| json_difference(one.get(name), other.get(name), below(name)))
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => (0..one.len().max(other.len()))
            .find_map(|at| json_difference(one.get(at), other.get(at), below(&at.to_string()))),
        (one, other) => (one != other).then_some((place, one, other)),
    }
}

/// A value, cut.
pub(crate) fn told(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() > MAX_VALUE {
        text.truncate(text.floor_char_boundary(MAX_VALUE));
        text.push('…');
    }
    text
}

/// How much of a body that is neither JSON nor text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bodies {
    /// All of it, in base64.
    Whole,
    /// Its length and SHA-256: nothing in it can be masked.
    Hidden,
}

/// What came of it, in a few words.
pub(crate) fn short(came: &Came) -> String {
    match (came, Outcome::of(came)) {
        (Came::Refused(refusal), _) => format!("{} {}", refusal.status, refusal.code),
        (_, Some(outcome)) => short_outcome(&outcome),
        (_, None) => String::new(),
    }
}

/// The same of what was recorded.
pub(crate) fn short_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answer(answer) => answer.status.to_string(),
        Outcome::Failure(failure) => failure.cause.clone(),
        Outcome::StoreFailure(_) => "a failure of the store".to_owned(),
    }
}

/// What came of it, whole.
pub(crate) fn came_as_json(came: &Came, bodies: Bodies) -> Value {
    match came {
        Came::Refused(refusal) => as_json(refusal),
        came => Outcome::of(came).map_or(Value::Null, |outcome| outcome_as_json(&outcome, bodies)),
    }
}

/// The same of what was recorded.
pub(crate) fn outcome_as_json(outcome: &Outcome, bodies: Bodies) -> Value {
    match outcome {
        Outcome::Answer(answer) => answer.answer().map_or(Value::Null, |answer| answer_as_json(&answer, bodies)),
        Outcome::Failure(FailurePart { cause, message, functions }) => {
            json!({"failure": cause, "message": message, "functions": functions})
        }
        Outcome::StoreFailure(failure) => json!({"store_failure": failure}),
    }
}

/// Texts, numbers and lists: there is nothing in them that JSON has not.
pub(crate) fn as_json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
