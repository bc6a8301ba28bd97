//! `POST /events`: what is asked of the host, what it answers, what it refuses.

use boxoffice_sdk::Event;
use boxoffice_sdk::{CreateRefusal, NewEvent};

use crate::mock::*;

/// What the host was asked to create.
fn created(body: &str) -> NewEvent {
    let host = Mock::new();
    let response = host.answer(&create(body));
    assert_eq!(response.status, 201, "{}", text(&response));
    match host.calls().pop() {
        Some(Call::Create(new)) => new,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_is_created_and_shown_whole() {
    let host = Mock::new();
    let response = host.answer(&create(r#"{"name":"Rust meetup","capacity":50}"#));
    assert_eq!(response.status, 201);
    assert_eq!(header(&response, "location"), Some("/events/e1"));
    assert_eq!(header(&response, "etag"), Some(r#""3-42""#));
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(header(&response, "cache-control"), Some("no-cache"));
    assert_eq!(
        text(&response),
        concat!(
            r#"{"id":"e1","name":"Rust meetup","capacity":50,"available":42,"starts_at":"2026-11-22T09:30:00.000Z","#,
            r#""tags":["rust","évening"],"attributes":{"room": {"n": 1.50}, "b":[]},"#,
            r#""created_at":"2026-11-21T09:29:59.999Z","version":3}"#
        )
    );
}

#[test]
fn an_event_without_a_start_shows_none() {
    let host = Mock { create: Ok(Event { starts_at: None, ..event() }), ..Mock::new() };
    let body = json(&host.answer(&create(r#"{"name":"a","capacity":1}"#)));
    assert_eq!(body.get("starts_at"), None);
    assert!(body.get("tags").is_some());
}

#[test]
fn the_host_is_given_all_that_the_body_says() {
    let new = created(
        r#"{"name":"a","capacity":1000000,"starts_at":"2026-11-21T09:30:00Z","tags":["x","y"],"attributes":{ "k" : 1.0 }}"#,
    );
    let expected = NewEvent {
        name: "a".to_owned(),
        capacity: 1_000_000,
        starts_at: Some(Moment::from_ms(NOW_MS)),
        tags: vec!["x".to_owned(), "y".to_owned()],
        attributes: Some(r#"{ "k" : 1.0 }"#.to_owned()),
    };
    assert_eq!(new, expected);
}

#[test]
fn the_optional_fields_may_be_absent_or_null() {
    let absent = created(r#"{"name":"a","capacity":1}"#);
    assert_eq!((absent.starts_at, absent.tags.len(), &absent.attributes), (None, 0, &None));
    let null = created(r#"{"name":"a","capacity":1,"starts_at":null,"tags":null,"attributes":null}"#);
    assert_eq!(null, absent);
}

#[test]
fn a_name_is_trimmed_and_otherwise_as_given() {
    assert_eq!(created(r#"{"name":"  A  “b” \u3000","capacity":1}"#).name, "A  “b”");
    assert_eq!(created(&format!(r#"{{"name":" {} ","capacity":1}}"#, "é".repeat(198))).name, "é".repeat(198));
}

#[test]
fn a_whole_number_may_be_written_with_a_fraction_of_nought() {
    assert_eq!(created(r#"{"name":"a","capacity":5.0}"#).capacity, 5);
    assert_eq!(created(r#"{"name":"a","capacity":1e3}"#).capacity, 1000);
}

#[test]
fn a_start_may_have_any_offset_and_any_precision() {
    let start = |text: &str| created(&format!(r#"{{"name":"a","capacity":1,"starts_at":"{text}"}}"#)).starts_at;
    assert_eq!(start("2026-11-21T11:30:00+02:00"), Some(Moment::from_ms(NOW_MS)));
    assert_eq!(start("2026-11-20T22:00:00.000-11:30"), Some(Moment::from_ms(NOW_MS)));
    assert_eq!(start("2026-11-21t09:30:00.001999z"), Some(Moment::from_ms(NOW_MS + 1)));
    assert_eq!(start("1970-01-01T00:00:00Z"), Some(Moment::from_ms(0)));
    assert_eq!(start("9999-12-31T23:59:59.999Z"), Some(Moment::from_ms(253_402_300_799_999)));
}

#[test]
fn a_start_that_is_no_moment_is_pointed_at() {
    for start in [
        r#""""#,
        r#""tomorrow""#,
        r#""2026-11-21""#,
        r#""2026-11-21T09:30:00""#,
        r#""2026-11-21T09:30Z""#,
        r#""2026-02-29T09:30:00Z""#,
        r#""2026-11-21T25:00:00Z""#,
        r#""2026-11-21T09:30:00Z[Europe/Paris]""#,
        r#""2026-11-21 09:30:00Z""#,
        r#""2026-11-21_09:30:00Z""#,
        r#""2026-11-21T09:30:00 02:00""#,
        r#""2026-11-21T09:30:00.Z""#,
        r#""2026-11-21T09:30:00,5Z""#,
        r#""2026-11-21T09:30:00+24:00""#,
        r#""2026-12-31T23:59:60Z""#,
        r#""2026-11-21T24:00:00Z""#,
        r#""1969-12-31T23:59:59.999Z""#,
        r#""1970-01-01T00:00:00+00:01""#,
        r#""9999-12-31T23:59:59-00:01""#,
        r#""10000-01-01T00:00:00Z""#,
        "1795253400000",
        "true",
        "[]",
        "{}",
    ] {
        let host = Mock::new();
        let response = host.answer(&create(&format!(r#"{{"name":"a","capacity":1,"starts_at":{start}}}"#)));
        let faults = faults(&response);
        assert_eq!(faults.len(), 1, "{start}");
        assert_eq!(faults[0].0, "/starts_at", "{start}");
        assert!(faults[0].1.contains("RFC 3339"), "{start}: {}", faults[0].1);
        assert_eq!(host.calls(), [], "{start}");
    }
}

#[test]
fn what_the_host_finds_invalid_is_listed() {
    let found = vec![invalid("/name", "is rude"), invalid("/tags/1", "is odd")];
    let host = Mock { create: Err(CreateRefusal::Invalid(found)), ..Mock::new() };
    let faults = faults(&host.answer(&create(r#"{"name":"a","capacity":1}"#)));
    let expected = [("/name", "is rude"), ("/tags/1", "is odd")];
    assert_eq!(faults, expected.map(|(pointer, detail)| (pointer.to_owned(), detail.to_owned())));
}

#[test]
fn a_caller_who_is_no_organizer_is_forbidden() {
    let host = Mock { create: Err(CreateRefusal::AccessDenied), ..Mock::new() };
    problem(&host.answer(&create(r#"{"name":"a","capacity":1}"#)), 403, "forbidden");
}

#[test]
fn a_refusal_without_a_name_carries_the_hosts_text() {
    let host = Mock { create: Err(CreateRefusal::Other("the moon is full".to_owned())), ..Mock::new() };
    let body = problem(&host.answer(&create(r#"{"name":"a","capacity":1}"#)), 409, "refused");
    assert_eq!(body["detail"], "the moon is full");
}

#[test]
fn attributes_that_are_not_json_are_the_hosts_fault() {
    let host = Mock { create: Ok(Event { attributes: "{".to_owned(), ..event() }), ..Mock::new() };
    problem(&host.answer(&create(r#"{"name":"a","capacity":1}"#)), 500, "rules_failed");
}

#[test]
fn a_route_that_the_manifest_does_not_name_is_the_hosts_fault() {
    problem(&Mock::new().answer(&request("delete-everything", None, "")), 500, "rules_failed");
}
