//! `GET /events`, `GET /events/{id}` and its availability.

use boxoffice_sdk::Event;
use boxoffice_sdk::{EventPage, EventQuery, GetEventRefusal, ListEventsRefusal};
use serde_json::{Value, json as value};

use crate::mock::*;

const TAG: &str = r#""3-42""#;

fn get() -> boxoffice_sdk::Request {
    request("get-event", Some("e1"), "")
}

fn list(query: &[(&str, &str)]) -> boxoffice_sdk::Request {
    with_query(request("list-events", None, ""), query)
}

/// What the host was asked for a list.
fn asked(query: &[(&str, &str)]) -> EventQuery {
    let host = Mock::new();
    let response = host.answer(&list(query));
    assert_eq!(response.status, 200, "{}", text(&response));
    match host.calls().pop() {
        Some(Call::Events(query)) => query,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_is_read_with_its_entity_tag() {
    let host = Mock::new();
    let response = host.answer(&get());
    assert_eq!(response.status, 200);
    assert_eq!(header(&response, "etag"), Some(TAG));
    assert_eq!(header(&response, "cache-control"), Some("no-cache"));
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(json(&response)["id"], "e1");
    assert_eq!(host.calls(), [Call::Event("e1".to_owned())]);
}

#[test]
fn the_entity_tag_changes_with_the_version_and_with_the_availability() {
    for (event, tag) in [
        (Event { version: 4, ..event() }, r#""4-42""#),
        (Event { available: 41, ..event() }, r#""3-41""#),
        (Event { reserved: 4, confirmed: 4, ..event() }, TAG),
    ] {
        let host = Mock { event: Ok(event), ..Mock::new() };
        assert_eq!(header(&host.answer(&get()), "etag"), Some(tag));
    }
}

#[test]
fn an_event_that_the_caller_has_is_not_sent_again() {
    for value in
        [TAG, "*", " * ", r#"W/"3-42""#, r#""1", "3-42""#, r#""a,b" ,W/"c" , "3-42","z""#, r#","3-42""#, r#""","3-42""#]
    {
        let response = Mock::new().answer(&with_header(get(), "if-none-match", value));
        assert_eq!(response.status, 304, "{value}");
        assert!(response.body.is_empty(), "{value}");
        assert_eq!(header(&response, "etag"), Some(TAG));
        assert_eq!(header(&response, "cache-control"), Some("no-cache"));
        assert_eq!(header(&response, "content-type"), None);
    }
    let two_lines = with_header(with_header(get(), "if-none-match", r#""1""#), "if-none-match", TAG);
    assert_eq!(Mock::new().answer(&two_lines).status, 304);
}

#[test]
fn an_event_that_the_caller_has_not_is_sent() {
    for value in [
        r#""3-41""#,
        r#""4-42""#,
        "3-42",
        r#"w/"3-42""#,
        r#""3-42"#,
        r#"3-42""#,
        r#""x 3-42""#,
        r#"*, "1""#,
        r#""a "3-42""#,
        "",
        "W/",
        r#"""#,
        r#"garbage, "3-42""#,
        r#""1" "3-42""#,
        r#""3-42"x"#,
        r#""3-42", garbage"#,
        ", ,",
        "W/*",
        "* *",
    ] {
        let response = Mock::new().answer(&with_header(get(), "if-none-match", value));
        assert_eq!(response.status, 200, "{value}");
    }
    let two_lines = with_header(with_header(get(), "if-none-match", "*"), "if-none-match", TAG);
    assert_eq!(Mock::new().answer(&two_lines).status, 200);
    let other_header = with_header(get(), "if-match", TAG);
    assert_eq!(Mock::new().answer(&other_header).status, 200);
}

#[test]
fn an_event_that_is_not_there_is_not_found() {
    for route in ["get-event", "get-availability"] {
        for (refusal, status, code) in [
            (GetEventRefusal::EventNotFound, 404, "event_not_found"),
            (GetEventRefusal::AccessDenied, 403, "forbidden"),
            (GetEventRefusal::Other("no".to_owned()), 409, "refused"),
        ] {
            let host = Mock { event: Err(refusal), ..Mock::new() };
            let request = with_header(request(route, Some("e1"), ""), "if-none-match", "*");
            problem(&host.answer(&request), status, code);
        }
    }
}

#[test]
fn availability_tells_the_seats_and_the_time() {
    let host = Mock::new();
    let response = host.answer(&request("get-availability", Some("e1"), ""));
    assert_eq!(response.status, 200);
    assert_eq!(header(&response, "cache-control"), Some("no-cache"));
    assert_eq!(
        text(&response),
        concat!(
            r#"{"event_id":"e1","capacity":50,"available":42,"reserved":5,"confirmed":3,"#,
            r#""server_time":"2026-11-21T09:30:00.000Z"}"#
        )
    );
}

#[test]
fn a_list_shows_its_events_and_where_to_go_on() {
    let events = EventPage {
        items: vec![event(), Event { id: EventId::from_text("e2"), starts_at: None, ..event() }],
        next_cursor: Some("c\"2".to_owned()),
    };
    let response = Mock { events: Ok(events), ..Mock::new() }.answer(&list(&[]));
    assert_eq!(response.status, 200);
    assert_eq!(header(&response, "cache-control"), Some("no-cache"));
    let body = json(&response);
    assert_eq!(body["next_cursor"], "c\"2");
    assert_eq!(body["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(body["items"][0], json(&Mock::new().answer(&get())));
    assert_eq!(body["items"][1]["id"], "e2");
}

#[test]
fn an_empty_list_has_no_items_and_a_null_cursor() {
    let host = Mock { events: Ok(EventPage { items: vec![], next_cursor: None }), ..Mock::new() };
    let body = json(&host.answer(&list(&[])));
    assert_eq!(body, value!({ "items": [], "next_cursor": Value::Null }));
}

#[test]
fn a_list_asks_for_fifty_unless_told_otherwise() {
    let fifty = EventQuery {
        limit: 50,
        cursor: None,
        words: None,
        tag: None,
        starts_after: None,
        starts_before: None,
        available_only: false,
    };
    assert_eq!(asked(&[]), fifty);
    assert_eq!(asked(&[("limit", "1")]).limit, 1);
    assert_eq!(asked(&[("limit", "100")]).limit, 100);
    assert_eq!(asked(&[("cursor", "c+/=")]), EventQuery { cursor: Some("c+/=".to_owned()), ..fifty });
}

#[test]
fn a_limit_that_is_no_whole_number_from_1_to_100_is_pointed_at() {
    for limit in ["0", "101", "-1", "+5", "007", "1.5", "1e1", "", " 5", "5 ", "ten", "99999999999999999999", "٣"] {
        let host = Mock::new();
        let found = faults(&host.answer(&list(&[("limit", limit)])));
        assert_eq!(found, [("/limit".to_owned(), "must be a whole number from 1 to 100".to_owned())], "{limit}");
        assert_eq!(host.calls(), [], "{limit}");
    }
}

#[test]
fn a_parameter_that_is_unknown_or_repeated_is_pointed_at() {
    let found = |query: &[(&str, &str)]| pointers(&Mock::new().answer(&list(query)));
    assert_eq!(found(&[("page", "2")]), ["/page"]);
    assert_eq!(found(&[("", "")]), ["/"]);
    assert_eq!(found(&[("Limit", "5")]), ["/Limit"]);
    assert_eq!(found(&[("a/b~", "2")]), ["/a~1b~0"]);
    assert_eq!(found(&[("limit", "5"), ("limit", "5")]), ["/limit"]);
    assert_eq!(found(&[("cursor", "a"), ("cursor", "b")]), ["/cursor"]);
    assert_eq!(found(&[("x", ""), ("limit", "0"), ("cursor", "a"), ("cursor", "a")]), ["/x", "/cursor", "/limit"]);
}

#[test]
fn faults_past_the_thirty_second_are_not_listed() {
    let query = vec![("x", "y"); 5_000];
    assert_eq!(pointers(&Mock::new().answer(&list(&query))).len(), 32);
}

#[test]
fn what_the_host_refuses_of_a_list_is_passed_on() {
    let refused = |refusal| Mock { events: Err(refusal), ..Mock::new() }.answer(&list(&[("cursor", "x")]));
    let found = refused(ListEventsRefusal::Invalid(vec![invalid("/cursor", "is not one of this list's")]));
    assert_eq!(faults(&found), [("/cursor".to_owned(), "is not one of this list's".to_owned())]);
    problem(&refused(ListEventsRefusal::AccessDenied), 403, "forbidden");
    problem(&refused(ListEventsRefusal::Other("no".to_owned())), 409, "refused");
}

#[test]
fn a_page_too_large_for_an_answer_is_cut_shorter() {
    let large = Event { attributes: format!(r#"{{"k":"{}"}}"#, "x".repeat(15_000)), ..event() };
    let events = EventPage { items: vec![large; 100], next_cursor: Some("c".to_owned()) };
    let host = Mock { events: Ok(events), ..Mock::new() };
    let response = host.answer(&list(&[("limit", "100"), ("cursor", "b")]));
    assert!(response.body.len() <= 1024 * 1024);
    assert_eq!(json(&response)["items"].as_array().map(Vec::len), Some(50));
    let limits = host.calls().into_iter().map(|call| match call {
        Call::Events(query) => (query.limit, query.cursor),
        other => panic!("{other:?}"),
    });
    let limits: Vec<_> = limits.collect();
    assert_eq!(limits, [(100, Some("b".to_owned())), (50, Some("b".to_owned()))]);
}
