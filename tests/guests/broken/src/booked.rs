//! Faults of how bookings are answered.

use sdk::{Request, Response};
use serde_json::{Value, json};

pub(crate) fn with(fault: &str, request: &Request, mut response: Response) -> Response {
    let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) else { return response };
    let code = body["data"]["code"].as_str().unwrap_or_default().to_owned();
    let before = body.clone();
    match (fault, request.route_id.as_str(), code.as_str()) {
        ("no-envelope", _, _) => body = body["data"].take(),
        ("no-code", _, code) if !code.is_empty() => drop(body["data"].as_object_mut().map(|data| data.remove("code"))),
        ("event-200", "create-event", "") => response.status = 200,
        ("unknown-409", "book", "event_not_found") => response.status = 409,
        ("full-201", "book", "sold_out") => {
            response.status = 201;
            body = json!({"success": true, "message": "The booking is confirmed.", "data": {}});
        }
        ("nobodys", "list-bookings", "") => body["data"]["items"] = json!([]),
        _ => {}
    }
    if body != before {
        response.body = body.to_string().into_bytes();
    }
    response
}
