//! Faults of how a request is read.

use std::hint::black_box;

use sdk::Request;
use serde_json::{Map, Value};

pub(crate) fn with(fault: &str, mut request: Request) -> Request {
    let route = request.route_id.clone();
    match (fault, route.as_str()) {
        ("ignore-unknown", _) => ignore_unknown(&mut request),
        ("default-two", "register") => change(&mut request, |body| {
            body.entry("quantity").or_insert_with(|| 2.into());
        }),
        ("no-csv", _) => request.headers.retain(|(name, _)| name != "accept"),
        ("refuse-all", _) => request.query.push(("nobody".into(), "knows-this".into())),
        ("one-seat", "book") => change(&mut request, |body| drop(body.insert("quantity".into(), 1.into()))),
        ("trap-surrogate", "register") if contains(&request.body, "ud800") => {
            panic!("what a half of a character is, nobody knows")
        }
        ("trap-read", "get-availability") => panic!("nobody is to know"),
        ("trap-enum", "list-events") => {
            for (_, value) in request.query.iter().filter(|(name, _)| name == "available") {
                match value.as_str() {
                    "true" => {}
                    _ => unreachable!("the manifest has one value"),
                }
            }
        }
        ("spin-long", "register") if request.body.len() > 40_000 => loop {
            black_box(&request);
        },
        ("cut-name", "create-event") => change(&mut request, |body| cut(body, "name", 200)),
        ("clamp-quantity", "register") => change(&mut request, |body| {
            if body.get("quantity").and_then(Value::as_u64).is_some_and(|quantity| quantity > 10) {
                body.insert("quantity".into(), 10.into());
            }
        }),
        ("no-key", _) => request.headers.retain(|(name, _)| name != "idempotency-key"),
        ("keep-quotes", _) => headers(&mut request, "idempotency-key", |value| {
            if value.starts_with('"') {
                *value = format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
            }
        }),
        ("cut-key", _) => headers(&mut request, "idempotency-key", |value| value.truncate(255)),
        ("no-body-key", "register") => change(&mut request, |body| drop(body.remove("idempotency_key"))),
        ("no-if-match", _) => request.headers.retain(|(name, _)| name != "if-match"),
        ("no-none-match", _) => request.headers.retain(|(name, _)| name != "if-none-match"),
        ("keep-start", "update-event") => change(&mut request, |body| {
            if body.get("starts_at") == Some(&Value::Null) {
                body.remove("starts_at");
            }
        }),
        ("keep-name", "update-event") => change(&mut request, |body| {
            if body.get("name") == Some(&"".into()) {
                body.remove("name");
            }
        }),
        ("no-object", "cancel-ticket") if request.body == b"{}" => request.body = b"[]".to_vec(),
        ("no-cursor", "list-events") => request.query.retain(|(name, _)| name != "cursor"),
        ("no-tag", "list-events") => request.query.retain(|(name, _)| name != "tag"),
        ("clamp-limit", _) => {
            for (_, value) in request.query.iter_mut().filter(|(name, _)| name == "limit") {
                *value = value.parse().unwrap_or(50_i64).clamp(1, 100).to_string();
            }
        }
        ("any-email", "list-tickets") if !request.query.iter().any(|(name, _)| name == "email") => {
            request.query.push(("email".into(), "nobody@example.org".into()));
        }
        _ => {}
    }
    request
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}

fn headers(request: &mut Request, name: &str, change: impl Fn(&mut String)) {
    for (_, value) in request.headers.iter_mut().filter(|(other, _)| other == name) {
        change(value);
    }
}

/// Changes the body, where it is an object.
fn change(request: &mut Request, change: impl FnOnce(&mut Map<String, Value>)) {
    if let Ok(Value::Object(mut body)) = serde_json::from_slice(&request.body) {
        let before = body.clone();
        change(&mut body);
        if body != before {
            request.body = Value::Object(body).to_string().into_bytes();
        }
    }
}

fn cut(body: &mut Map<String, Value>, name: &str, most: usize) {
    if let Some(Value::String(text)) = body.get_mut(name) {
        *text = text.chars().take(most).collect();
    }
}

/// What the routes know; all else is thrown away.
fn ignore_unknown(request: &mut Request) {
    let known = ["name", "capacity", "starts_at", "tags", "attributes", "email", "quantity", "idempotency_key"];
    change(request, |body| body.retain(|name, _| known.contains(&name.as_str())));
    let known = ["limit", "cursor", "q", "tag", "starts_after", "starts_before", "available", "email"];
    request.query.retain(|(name, _)| known.contains(&name.as_str()));
}
