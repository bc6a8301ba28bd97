//! `PATCH /events/{id}`: what is asked of the host, conditions, and what is refused.

use boxoffice_sdk::Event;
use boxoffice_sdk::Request;
use boxoffice_sdk::{EventPatch, GetEventRefusal, UpdateRefusal};
use std::cell::RefCell;

use crate::mock::*;

const NOTHING: EventPatch =
    EventPatch { name: None, capacity: None, starts_at: None, tags: None, attributes: None, if_version: None };

fn with_match(body: &str, value: &str) -> Request {
    with_header(patch(body), "if-match", value)
}

/// A host that answers changes with these, one after the other.
fn host_of(updates: Vec<Result<Event, UpdateRefusal>>) -> Mock {
    Mock { updates: RefCell::new(updates), ..Mock::new() }
}

/// The version that each attempt insisted on.
fn insisted(host: &Mock) -> Vec<Option<u64>> {
    let versions = host.calls().into_iter().filter_map(|call| match call {
        Call::Update(_, patch) => Some(patch.if_version),
        _ => None,
    });
    versions.collect()
}

/// The one change that the host was asked for.
fn asked(body: &str) -> EventPatch {
    let host = Mock::new();
    let response = host.answer(&patch(body));
    assert_eq!(response.status, 200, "{}", text(&response));
    match host.calls().as_slice() {
        [Call::Update(id, patch)] if id == "e1" => patch.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_changed_event_is_shown_whole_with_its_new_entity_tag() {
    let response = Mock::new().answer(&patch(r#"{"name":"b"}"#));
    assert_eq!(response.status, 200);
    assert_eq!(header(&response, "etag"), Some(r#""4-42""#));
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(header(&response, "cache-control"), Some("no-cache"));
    assert_eq!((&json(&response)["id"], &json(&response)["version"]), (&"e1".into(), &4.into()));
}

#[test]
fn only_what_the_patch_names_is_changed() {
    assert_eq!(asked(r#"{"name":" b "}"#), EventPatch { name: Some("b".into()), ..NOTHING });
    assert_eq!(asked(r#"{"capacity":7}"#), EventPatch { capacity: Some(7), ..NOTHING });
    let start = EventPatch { starts_at: Some(Some(Moment::from_ms(NOW_MS))), ..NOTHING };
    assert_eq!(asked(r#"{"starts_at":"2026-11-21T09:30:00Z"}"#), start);
    assert_eq!(asked(r#"{"tags":["x"]}"#), EventPatch { tags: Some(vec!["x".into()]), ..NOTHING });
}

#[test]
fn null_removes_what_can_be_removed() {
    assert_eq!(asked(r#"{"starts_at":null}"#), EventPatch { starts_at: Some(None), ..NOTHING });
    assert_eq!(asked(r#"{"tags":null}"#), EventPatch { tags: Some(vec![]), ..NOTHING });
    assert_eq!(asked(r#"{"attributes":null}"#), EventPatch { attributes: Some("{}".into()), ..NOTHING });
    let host = Mock::new();
    let found = faults(&host.answer(&patch(r#"{"name":null,"capacity":null}"#)));
    let detail = "cannot be removed; leave it out to keep it as it is";
    let expected = ["/name", "/capacity"].map(|pointer| (pointer.to_owned(), detail.to_owned()));
    assert_eq!(found, expected);
    assert_eq!(host.calls(), []);
}

#[test]
fn all_that_is_wrong_is_listed_at_once_and_the_host_is_not_asked() {
    let host = Mock::new();
    let body = r#"{"name":"","capacity":0,"starts_at":"soon","tags":["a","a"],"attributes":[]}"#;
    let found = pointers(&host.answer(&with_match(body, "3-42")));
    assert_eq!(found, ["/name", "/capacity", "/starts_at", "/tags/1", "/attributes", "/If-Match"]);
    for (body, pointer) in [
        (r#"{"price":1}"#, "/price"),
        (r#"{"version":4}"#, "/version"),
        (r#"{"name":"a","name":"b"}"#, "/name"),
        ("", ""),
        ("null", ""),
        ("[]", ""),
        (r#"{"name":"a""#, ""),
        (r#"{"attributes":"x"}"#, "/attributes"),
    ] {
        assert_eq!(pointers(&host.answer(&patch(body))), [pointer], "{body}");
    }
    assert_eq!(host.calls(), []);
}

#[test]
fn every_refusal_has_its_name_and_says_what_to_do() {
    for (refusal, status, code, detail) in [
        (UpdateRefusal::EventNotFound, 404, "event_not_found", "GET /events"),
        (UpdateRefusal::AccessDenied, 403, "forbidden", "Only the organizer who created the event"),
        (UpdateRefusal::CapacityBelowSold(8), 409, "capacity_below_sold", "at least 8"),
        (UpdateRefusal::Other("no".into()), 409, "refused", "no"),
    ] {
        for body in [r#"{"capacity":1}"#, "{}"] {
            let refused = problem(&host_of(vec![Err(refusal.clone())]).answer(&patch(body)), status, code);
            assert!(refused["detail"].as_str().unwrap().contains(detail), "{refused}");
        }
    }
    let refusal = UpdateRefusal::Invalid(vec![invalid("/name", "is rude")]);
    assert_eq!(pointers(&host_of(vec![Err(refusal)]).answer(&patch(r#"{"name":"x"}"#))), ["/name"]);
    let host = Mock { event: Err(GetEventRefusal::EventNotFound), ..Mock::new() };
    problem(&host.answer(&patch(r#"{"attributes":{"a":1}}"#)), 404, "event_not_found");
}

#[test]
fn a_version_that_the_caller_names_is_insisted_on_whatever_the_availability() {
    for value in [r#""3-42""#, r#""3-0""#, r#" "3-1" "#, r#""x", "3-42""#, r#"W/"9-1", "3-42""#, r#","3-42","#] {
        let host = Mock::new();
        assert_eq!(host.answer(&with_match(r#"{"name":"b"}"#, value)).status, 200, "{value}");
        assert_eq!(insisted(&host), [Some(3)], "{value}");
    }
    let host = Mock::new();
    assert_eq!(host.answer(&with_match(r#"{"name":"b"}"#, "*")).status, 200);
    assert_eq!(insisted(&host), [None]);
}

#[test]
fn another_version_is_a_failed_precondition_that_tells_the_present_one() {
    let mismatch = || vec![Err(UpdateRefusal::VersionMismatch(9))];
    for value in [r#""3-42""#, r#""3-42", "4-42""#] {
        let host = host_of(mismatch());
        let refused = problem(&host.answer(&with_match(r#"{"name":"b"}"#, value)), 412, "precondition_failed");
        assert!(refused["detail"].as_str().unwrap().contains("version 9"), "{refused}");
        assert_eq!(insisted(&host), [Some(3)]);
    }
}

#[test]
fn tags_that_are_weak_or_never_were_ours_match_no_version_and_nothing_is_changed() {
    for value in [
        r#"W/"9-42""#,
        r#""9""#,
        r#""9-""#,
        r#""-9""#,
        r#""+9-42""#,
        r#""09-42""#,
        r#""9-42-1""#,
        r#""9-4294967296""#,
        r#""""#,
        r#""*""#,
        r#"W/"9-42", "abc""#,
    ] {
        for body in [r#"{"name":"b"}"#, "{}"] {
            let host = host_of(vec![Err(UpdateRefusal::VersionMismatch(9))]);
            problem(&host.answer(&with_match(body, value)), 412, "precondition_failed");
            assert_eq!(insisted(&host), [Some(0)], "{value}");
        }
        // With attributes the present version is read first, and is none of those either.
        let host = host_of(vec![Err(UpdateRefusal::VersionMismatch(3))]);
        problem(&host.answer(&with_match(r#"{"attributes":{"a":1}}"#, value)), 412, "precondition_failed");
        assert_eq!(insisted(&host), [Some(0)], "{value}");
    }
}

#[test]
fn a_condition_that_is_none_is_pointed_at() {
    for value in
        ["", "3-42", r#""3-42"#, r#"3-42""#, r#"w/"3-42""#, r#""3-42" "4-1""#, r#"*, "3-42""#, "**", ",", r#""a b""#]
    {
        let host = Mock::new();
        let found = faults(&host.answer(&with_match(r#"{"name":"b"}"#, value)));
        assert_eq!(found[0].0, "/If-Match", "{value}");
        assert!(found[0].1.contains("the header If-Match"), "{value}");
        assert_eq!(host.calls(), [], "{value}");
    }
    let twice = with_header(with_match("{}", "*"), "if-match", "*");
    assert_eq!(pointers(&Mock::new().answer(&twice)), ["/If-Match"]);
}

#[test]
fn of_several_versions_the_present_one_is_found() {
    let host = host_of(vec![Err(UpdateRefusal::VersionMismatch(5)), Ok(event())]);
    let request = with_header(with_match(r#"{"name":"b"}"#, r#""3-42", "4-42""#), "if-match", r#""5-1""#);
    assert_eq!(host.answer(&request).status, 200);
    assert_eq!(insisted(&host), [Some(3), Some(5)]);
}

#[test]
fn an_empty_patch_gives_the_event_as_it_is_to_whoever_may_change_it() {
    for body in ["{}", " { } ", r#"{"attributes":{}}"#, r#"{"attributes":{ }}"#] {
        let host = host_of(vec![Err(UpdateRefusal::VersionMismatch(3))]);
        let response = host.answer(&patch(body));
        assert_eq!((response.status, header(&response, "etag")), (200, Some(r#""3-42""#)), "{body}");
        // Asked with a version that no event has, the host says who may change it and changes nothing.
        let question = EventPatch { if_version: Some(0), ..NOTHING };
        assert_eq!(host.calls(), [Call::Update("e1".into(), question), Call::Event("e1".into())], "{body}");
    }
    let host = host_of(vec![Err(UpdateRefusal::AccessDenied)]);
    problem(&host.answer(&patch("{}")), 403, "forbidden");
    let host = host_of(vec![Err(UpdateRefusal::VersionMismatch(4))]);
    problem(&host.answer(&with_match("{}", r#""3-42""#)), 412, "precondition_failed");
    problem(&Mock::new().answer(&patch("{}")), 500, "rules_failed");
}

#[test]
fn attributes_are_merged_with_what_was_read_and_again_when_that_has_moved() {
    let host = host_of(vec![Err(UpdateRefusal::VersionMismatch(4)), Ok(event())]);
    assert_eq!(host.answer(&patch(r#"{"attributes":{"b":null}}"#)).status, 200);
    let merged = |patch: &EventPatch| (patch.attributes.clone(), patch.if_version);
    let expected = (Some(r#"{"room":{"n": 1.50}}"#.to_owned()), Some(3));
    match host.calls().as_slice() {
        [Call::Event(_), Call::Update(_, first), Call::Event(_), Call::Update(_, second)] => {
            assert_eq!((merged(first), merged(second)), (expected.clone(), expected));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn attributes_are_not_merged_for_ever() {
    let host = host_of(vec![Err(UpdateRefusal::VersionMismatch(4))]);
    let refused = problem(&host.answer(&patch(r#"{"attributes":{"a":1}}"#)), 409, "edit_conflict");
    assert!(refused["detail"].as_str().unwrap().contains("send the request again"), "{refused}");
    assert_eq!(host.calls().len(), 32);
}

#[test]
fn attributes_are_not_merged_again_where_the_caller_named_the_version() {
    let host = host_of(vec![Err(UpdateRefusal::VersionMismatch(4))]);
    let request = with_match(r#"{"attributes":{"a":1}}"#, r#""3-42""#);
    problem(&host.answer(&request), 412, "precondition_failed");
    assert_eq!(insisted(&host), [Some(3)]);
}
