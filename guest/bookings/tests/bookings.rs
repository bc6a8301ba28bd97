//! The contract of the bookings, on the SDK's host in memory.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use bookings::Bookings;
use boxoffice_sdk::testing::{Answer, App, Script};
use boxoffice_sdk::{ConfirmRefusal, Roles};
use serde_json::{Value, json};
use std::time::Duration;

/// An event of so many seats; gives its id.
fn event(app: &App<Bookings>, capacity: u32) -> String {
    let event = app.organizer().post("/events", &json!({"name": "Rust meetup", "capacity": capacity}));
    assert_eq!(event.status, 201, "{}", event.text());
    data(&event)["id"].as_str().unwrap().to_owned()
}

fn book(app: &App<Bookings>, event: &str, email: &str, key: &str) -> Answer {
    let body = json!({"event_id": event, "user_email": email, "quantity": 2});
    app.user().request("POST", "/bookings").key(key).json(&body).send()
}

/// What is in the envelope of a success.
fn data(answer: &Answer) -> Value {
    let body = answer.json();
    assert_eq!(body["success"], true, "{body}");
    assert!(!body["message"].as_str().unwrap().is_empty());
    assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
    body["data"].clone()
}

/// Checks that this is a refusal in its envelope.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    let body = answer.json();
    assert_eq!((answer.status, &body["data"]["code"]), (status, &json!(code)), "{body}");
    assert_eq!(body["success"], false);
    assert!(!body["message"].as_str().unwrap().is_empty());
    assert_eq!(answer.header("content-type"), "application/json");
}

fn seats(app: &App<Bookings>, event: &str) -> [u64; 3] {
    let seats = data(&app.nobody().get(&format!("/events/{event}/availability")));
    ["available", "reserved", "confirmed"].map(|name| seats[name].as_u64().unwrap())
}

#[test]
fn a_booking_is_confirmed_at_once() {
    let app = App::<Bookings>::new();
    let event = event(&app, 5);
    let booked = book(&app, &event, "Ada@example.org", "k1");
    assert_eq!(booked.status, 201, "{}", booked.text());
    let booking = data(&booked);
    assert_eq!(booked.header("location"), format!("/bookings/{}", booking["id"].as_str().unwrap()));
    assert_eq!((&booking["user_email"], &booking["quantity"]), (&json!("Ada@example.org"), &json!(2)));
    assert_eq!((&booking["status"], &booking["event_id"]), (&json!("confirmed"), &json!(event)));
    assert_eq!(seats(&app, &event), [3, 0, 2]);
    app.advance(Duration::from_hours(1));
    assert_eq!(seats(&app, &event), [3, 0, 2]);
}

#[test]
fn a_repeated_key_is_answered_with_the_same_booking_even_when_nothing_is_left() {
    let app = App::<Bookings>::new();
    let event = event(&app, 2);
    let first = book(&app, &event, "ada@example.org", "k1");
    let again = book(&app, &event, "ada@example.org", "\"k1\"");
    assert_eq!((again.status, again.json()), (201, first.json()));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    assert_refused(&book(&app, &event, "bob@example.org", "k1"), 422, "idempotency_key_reused");
    assert_refused(&book(&app, &event, "bob@example.org", "k2"), 409, "sold_out");
    let id = data(&first)["id"].as_str().unwrap().to_owned();
    assert_eq!(app.user().post(&format!("/bookings/{id}/cancel"), &json!({})).status, 200);
    let cancelled = book(&app, &event, "ada@example.org", "k1");
    assert_eq!(data(&cancelled)["status"], "cancelled");
    assert_eq!(first.json()["message"], "The booking is confirmed.");
    assert_eq!(cancelled.json()["message"], "The booking was made, and has been cancelled since.");
}

#[test]
fn a_booking_whose_outcome_is_not_known_is_found_by_repeating_it() {
    let app = App::<Bookings>::new();
    let event = event(&app, 5);
    app.refuse_next(Script::DoneOutcomeUnknown);
    let lost = book(&app, &event, "ada@example.org", "k1");
    assert_eq!((lost.status, lost.code().as_str(), lost.header("retry-after")), (503, "outcome_unknown", "5"));
    assert_eq!(seats(&app, &event), [3, 2, 0]);
    assert_eq!(data(&book(&app, &event, "ada@example.org", "k1"))["status"], "confirmed");
    assert_eq!(seats(&app, &event), [3, 0, 2]);

    for (script, code) in [
        (Script::OutcomeUnknown, "outcome_unknown"),
        (Script::Overloaded, "overloaded"),
        (Script::ShuttingDown, "shutting_down"),
    ] {
        app.refuse_next(script);
        let failed = book(&app, &event, "bob@example.org", "k2");
        assert_eq!((failed.status, failed.code().as_str()), (503, code));
    }
    assert_eq!(seats(&app, &event), [3, 0, 2]);
}

#[test]
#[should_panic(expected = "nobody made the call that these were for: [Confirm(HoldExpired)]")]
fn a_script_that_nobody_needed_fails_the_test() {
    let app = App::<Bookings>::new();
    app.refuse_next(ConfirmRefusal::HoldExpired);
    let _ = app.nobody().get("/events");
}

#[test]
fn a_booking_that_broke_off_before_it_was_confirmed_is_confirmed_when_it_is_repeated() {
    let app = App::<Bookings>::new();
    let event = event(&app, 5);
    app.refuse_next(ConfirmRefusal::Other("not now".to_owned()));
    assert_refused(&book(&app, &event, "ada@example.org", "k1"), 409, "refused");
    assert_eq!(seats(&app, &event), [3, 2, 0]);
    let again = book(&app, &event, "ada@example.org", "k1");
    assert_eq!((again.status, &data(&again)["status"]), (201, &json!("confirmed")), "{}", again.text());
    assert_eq!(seats(&app, &event), [3, 0, 2]);

    app.refuse_next(ConfirmRefusal::Other("not now".to_owned()));
    book(&app, &event, "bob@example.org", "k2");
    app.advance(Duration::from_mins(5));
    assert_refused(&book(&app, &event, "bob@example.org", "k2"), 409, "hold_expired");
    assert_eq!(seats(&app, &event), [3, 0, 2]);
}

#[test]
fn bookings_are_found_by_email_page_by_page_and_by_id() {
    let app = App::<Bookings>::new();
    assert_refused(&app.user().get("/bookings?email=ada@example.org"), 403, "forbidden");
    app.allow_insecure_header_auth();
    let events: Vec<String> = (0..3).map(|_| event(&app, 5)).collect();
    let booked: Vec<Value> = events
        .iter()
        .enumerate()
        .map(|(n, event)| data(&book(&app, event, "ada@example.org", &format!("k{n}")))["id"].clone())
        .collect();
    let mut found = Vec::new();
    let mut path = "/bookings?email=ADA@example.org&limit=2".to_owned();
    while found.len() < 10 {
        let page = data(&app.user().get(&path));
        found.extend(page["items"].as_array().unwrap().iter().map(|booking| booking["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/bookings?email=ada@example.org&limit=2&cursor={cursor}");
    }
    assert_eq!(found, booked);
    let one = app.user().get(&format!("/bookings/{}", booked[1].as_str().unwrap()));
    assert_eq!(data(&one)["event_id"], events[1].as_str());
    assert_eq!(data(&app.nobody().get("/events?limit=1"))["items"].as_array().unwrap().len(), 1);
}

#[test]
fn an_event_is_read_again_only_when_it_has_changed() {
    let app = App::<Bookings>::new();
    let event = event(&app, 5);
    let path = format!("/events/{event}");
    let read = app.nobody().get(&path);
    assert_eq!(data(&read)["available"], 5);
    let conditional = || app.nobody().request("GET", &path).header("if-none-match", read.header("etag")).send();
    assert_eq!((conditional().status, conditional().body.len()), (304, 0));
    book(&app, &event, "ada@example.org", "k1");
    assert_eq!(conditional().status, 200);
}

#[test]
fn refusals_come_in_the_envelope() {
    let app = App::<Bookings>::new();
    let event = event(&app, 1);
    assert_refused(&book(&app, "none", "ada@example.org", "k1"), 404, "event_not_found");
    assert_refused(&book(&app, &event, "ada@example.org", "k1"), 409, "sold_out");
    assert_refused(&app.user().get("/bookings/none"), 404, "ticket_not_found");
    assert_refused(&app.user().post("/bookings/none/cancel", &json!({})), 404, "ticket_not_found");
    for (query, pointer) in [
        ("", "/email"),
        ("?email=nobody", "/email"),
        ("?email=a@b.cd&limit=0", "/limit"),
        ("?email=a@b.cd&limit=101", "/limit"),
        ("?email=a@b.cd&sort=asc", "/sort"),
        ("?email=a@b.cd&email=a@b.cd", "/email"),
    ] {
        let refused = app.user().get(&format!("/bookings{query}"));
        assert_refused(&refused, 400, "invalid_request");
        assert_eq!(refused.json()["data"]["errors"][0]["pointer"], pointer, "{}", refused.text());
    }
    for (body, pointer) in [
        (json!({"user_email": "ada@example.org"}), "/event_id"),
        (json!({"event_id": event, "user_email": "nobody"}), "/user_email"),
        (json!({"event_id": event, "user_email": "ada@example.org", "quantity": 0}), "/quantity"),
        (json!({"event_id": event, "user_email": "ada@example.org", "quantity": 11}), "/quantity"),
        (json!({"event_id": event, "user_email": "ada@example.org", "seats": 1}), "/seats"),
    ] {
        let refused = app.user().post("/bookings", &body);
        assert_refused(&refused, 400, "invalid_request");
        assert_eq!(refused.json()["data"]["errors"][0]["pointer"], pointer, "{}", refused.text());
    }
}

#[test]
fn a_known_caller_sees_only_its_own_bookings() {
    let app = App::<Bookings>::new();
    let event = event(&app, 5);
    let (ann, bob) = (app.known("ann", Roles::USER), app.known("bob", Roles::USER));
    let booked = ann.post("/bookings", &json!({"event_id": event, "user_email": "ann@example.org"}));
    let path = format!("/bookings/{}", data(&booked)["id"].as_str().unwrap());
    assert_eq!(ann.get(&path).status, 200);
    assert_refused(&bob.get(&path), 404, "ticket_not_found");
    assert_refused(&bob.post(&format!("{path}/cancel"), &json!({})), 404, "ticket_not_found");
    assert_eq!(data(&bob.get("/bookings?email=ann@example.org"))["items"], json!([]));
}

#[test]
fn the_query_is_described_as_it_is_read() {
    let app = App::<Bookings>::new();
    let list = app.manifest().routes.iter().find(|route| route.id == "list-bookings").unwrap();
    let schema: Value = serde_json::from_str(list.query_schema.as_ref().unwrap()).unwrap();
    let names: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((names.len(), &schema["required"]), (3, &json!(["email"])), "{schema}");
    assert!(["email", "limit", "cursor"].iter().all(|name| names.contains(name)), "{schema}");
}

#[test]
fn the_manifest_describes_the_envelope() {
    let app = App::<Bookings>::new();
    for route in &app.manifest().routes {
        for answer in route.answers.iter().filter(|answer| answer.status != 304) {
            let schema: Value = serde_json::from_str(answer.schema.as_ref().unwrap()).unwrap();
            assert_eq!(schema["required"], json!(["success", "message", "data"]), "{} {}", route.id, answer.status);
            assert_eq!(answer.content_type.as_deref(), Some("application/json"));
            let code = &schema["properties"]["data"]["properties"]["code"];
            assert_eq!(code.is_object(), answer.status >= 400, "{} {}", route.id, answer.status);
        }
    }
}
