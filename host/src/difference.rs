//! In what two answers differ first: for people, and the same for a shadow and a replay.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::HeaderName;
use serde_json::{Map, Value, json};

use crate::wasm::Answer;

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

/// An answer for people and scripts: a body that is JSON as JSON, another one as text, and what is neither in base64.
pub(crate) fn answer_as_json(answer: &Answer) -> Value {
    let mut headers = Map::new();
    for name in answer.headers.keys() {
        headers.insert(name.as_str().to_owned(), values(&answer.headers, name).join(", ").into());
    }
    json!({"status": answer.status.as_u16(), "headers": headers, "body": body_as_json(&answer.body)})
}

fn body_as_json(body: &Bytes) -> Value {
    if let Ok(json) = serde_json::from_slice(body) {
        return json;
    }
    match std::str::from_utf8(body) {
        Ok(text) => text.into(),
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
