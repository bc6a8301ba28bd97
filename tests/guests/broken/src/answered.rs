//! Faults of how it is answered.

use std::sync::atomic::{AtomicU32, Ordering};

use sdk::{Request, Response};
use serde_json::Value;

/// Lives as long as the instance.
static SERVED: AtomicU32 = AtomicU32::new(0);

pub(crate) fn with(fault: &str, request: &Request, mut response: Response) -> Response {
    let body = serde_json::from_slice(&response.body).unwrap_or_default();
    let code = code_of(&body).to_owned();
    match (fault, request.route_id.as_str(), code.as_str()) {
        ("counts", _, _) => {
            let served = SERVED.fetch_add(1, Ordering::Relaxed).to_string();
            response.headers.push(("x-served".into(), served));
        }
        ("create-200", "create-event", "") | ("register-200", "register", "") => response.status = 200,
        ("no-location", "create-event" | "register", _) => remove(&mut response, "location"),
        ("no-etag", "get-event", _) => remove(&mut response, "etag"),
        ("text-version", "list-events", "") => edit(&mut response, |body| {
            for item in body["items"].as_array_mut().into_iter().flatten() {
                item["version"] = item["version"].to_string().into();
            }
        }),
        ("newest-ticket", "list-event-tickets", "") => edit(&mut response, |body| {
            if let Some(items) = body["items"].as_array_mut() {
                items.reverse();
            }
        }),
        ("formula", "list-event-tickets", _) => {
            let text = String::from_utf8_lossy(&response.body).replace(",'=", ",=");
            response.body = text.into_bytes();
        }
        ("plain-problem", _, code) if !code.is_empty() => {
            for (_, value) in response.headers.iter_mut().filter(|(name, _)| name == "content-type") {
                *value = "application/json".into();
            }
        }
        ("no-request-id", _, code) if !code.is_empty() => edit(&mut response, |body| {
            body.as_object_mut().map(|body| body.remove("request_id"));
        }),
        ("no-pointers", _, "invalid_request") => edit(&mut response, |body| body["errors"] = Value::Array(Vec::new())),
        ("below-code", _, "capacity_below_sold") => recode(&mut response, 409, "too_small"),
        ("full-code", _, "sold_out") => recode(&mut response, 409, "full"),
        ("again-code", _, "already_registered") => recode(&mut response, 409, "sold_out"),
        ("lost-409", "register", "event_not_found") => recode(&mut response, 409, "event_not_found"),
        ("reused-409", _, "idempotency_key_reused") => recode(&mut response, 409, "idempotency_key_reused"),
        ("expired-code", _, "hold_expired") => recode(&mut response, 409, "ticket_cancelled"),
        ("cancelled-code", _, "ticket_cancelled") => recode(&mut response, 409, "cancelled"),
        ("no-replayed", _, _) => remove(&mut response, "idempotency-replayed"),
        _ => {}
    }
    response
}

fn code_of(body: &Value) -> &str {
    body["code"].as_str().unwrap_or_default()
}

fn remove(response: &mut Response, header: &str) {
    response.headers.retain(|(name, _)| name != header);
}

fn edit(response: &mut Response, change: impl FnOnce(&mut Value)) {
    if let Ok(mut body) = serde_json::from_slice(&response.body) {
        change(&mut body);
        response.body = body.to_string().into_bytes();
    }
}

/// A refusal with another status and code.
fn recode(response: &mut Response, status: u16, code: &str) {
    response.status = status;
    edit(response, |body| {
        body["status"] = status.into();
        body["code"] = code.into();
    });
}
