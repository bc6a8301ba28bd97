//! `POST /events/{id}/register`.

use boxoffice_sdk::{RegisterRefusal, Registered, Registration};

use crate::mock::*;

/// What the host was asked to register.
fn registered(body: &str) -> Registration {
    let host = Mock::new();
    let response = host.answer(&register(body));
    assert_eq!(response.status, 201, "{}", text(&response));
    match host.calls().pop() {
        Some(Call::Register(registration)) => registration,
        other => panic!("{other:?}"),
    }
}

#[test]
fn seats_are_held_and_the_ticket_is_shown() {
    let response = Mock::new().answer(&register(r#"{"email":"Ada@example.org","quantity":2}"#));
    assert_eq!(response.status, 201);
    assert_eq!(header(&response, "location"), Some("/tickets/t1"));
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "idempotency-replayed"), None);
    assert_eq!(
        text(&response),
        concat!(
            r#"{"id":"t1","event_id":"e1","email":"Ada@example.org","quantity":2,"status":"reserved","#,
            r#""reserved_at":"2026-11-21T09:30:00.000Z","expires_at":"2026-11-21T09:35:00.000Z","#,
            r#""server_time":"2026-11-21T09:30:00.000Z"}"#
        )
    );
}

#[test]
fn the_host_is_given_all_that_the_body_says() {
    let expected = Registration {
        event_id: EventId::from_text("e1"),
        email: "Ada@example.org".to_owned(),
        quantity: 2,
        hold_ms: None,
        idempotency_key: Some(" k 1".to_owned()),
        attributes: None,
    };
    let body = r#"{"email":"  Ada@example.org\n","quantity":2,"idempotency_key":" k 1"}"#;
    assert_eq!(registered(body), expected);
}

#[test]
fn the_quantity_is_one_unless_given() {
    assert_eq!(registered(r#"{"email":"a@b.cd"}"#).quantity, 1);
    assert_eq!(registered(r#"{"email":"a@b.cd","quantity":null}"#).quantity, 1);
}

#[test]
fn how_many_seats_are_too_many_is_for_the_host_to_say() {
    assert_eq!(registered(r#"{"email":"a@b.cd","quantity":11}"#).quantity, 11);
    assert_eq!(registered(r#"{"email":"a@b.cd","quantity":4294967296}"#).quantity, u32::MAX);
    assert_eq!(registered(r#"{"email":"a@b.cd","quantity":1e300}"#).quantity, u32::MAX);
    let found = vec![invalid("/quantity", "must be a whole number from 1 to 10")];
    let host = Mock { register: Err(RegisterRefusal::Invalid(found)), ..Mock::new() };
    assert_eq!(pointers(&host.answer(&register(r#"{"email":"a@b.cd","quantity":11}"#))), ["/quantity"]);
}

#[test]
fn unusual_emails_of_the_right_shape_are_taken() {
    for email in ["a@b.cd", "first.last+tag@sub.example.org", "o'neil@example.org", "jörg@exämple.org"] {
        assert_eq!(registered(&format!(r#"{{"email":"{email}"}}"#)).email, email);
    }
}

#[test]
fn every_refusal_of_the_host_has_its_name() {
    for (refusal, status, code) in [
        (RegisterRefusal::AccessDenied, 403, "forbidden"),
        (RegisterRefusal::IdempotencyKeyReused, 422, "idempotency_key_reused"),
        (RegisterRefusal::EventNotFound, 404, "event_not_found"),
        (RegisterRefusal::AlreadyRegistered, 409, "already_registered"),
        (RegisterRefusal::SoldOut, 409, "sold_out"),
        (RegisterRefusal::Other("not today".to_owned()), 409, "refused"),
    ] {
        let host = Mock { register: Err(refusal), ..Mock::new() };
        problem(&host.answer(&register(r#"{"email":"a@b.cd"}"#)), status, code);
    }
}

#[test]
fn nothing_is_asked_before_the_registration_itself() {
    let host = Mock { register: Err(RegisterRefusal::SoldOut), ..Mock::new() };
    host.answer(&register(r#"{"email":"a@b.cd"}"#));
    let calls = host.calls();
    assert!(matches!(calls.as_slice(), [Call::Register(_)]), "{calls:?}");
}

#[test]
fn a_replay_is_answered_as_the_ticket_stands_now() {
    let host = Mock { register: Ok(Registered { ticket: confirmed(), replayed: true }), ..Mock::new() };
    let response = host.answer(&register(r#"{"email":"a@b.cd","idempotency_key":"k"}"#));
    assert_eq!(response.status, 201);
    assert_eq!(header(&response, "idempotency-replayed"), Some("true"));
    assert_eq!(header(&response, "location"), Some("/tickets/t1"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(json(&response)["status"], "confirmed");
}
