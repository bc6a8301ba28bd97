//! `GET /tickets?email=` and `GET /events/{id}/tickets`, as JSON.

use boxoffice_sdk::{ListTicketsRefusal, TicketFilter, TicketPage, TicketQuery};
use boxoffice_sdk::{Request, Roles};
use serde_json::{Value, json as value};

use crate::mock::*;

fn of_email(query: &[(&str, &str)]) -> Request {
    with_query(request("list-tickets", None, ""), query)
}

fn of_event(query: &[(&str, &str)]) -> Request {
    with_query(request("list-event-tickets", Some("e1"), ""), query)
}

/// What the host was asked.
fn asked(request: &Request) -> TicketQuery {
    let host = Mock::new();
    let response = host.answer(request);
    assert_eq!(response.status, 200, "{}", text(&response));
    match host.calls().pop() {
        Some(Call::Tickets(query)) => query,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_host_is_asked_for_fifty_unless_told_otherwise() {
    let ada = || TicketFilter::OfEmail("Ada@example.org".into());
    let expected = TicketQuery { filter: ada(), limit: 50, cursor: None };
    assert_eq!(asked(&of_email(&[("email", " Ada@example.org ")])), expected);
    let expected = TicketQuery { filter: ada(), limit: 7, cursor: Some("c".into()) };
    assert_eq!(asked(&of_email(&[("limit", "7"), ("email", "Ada@example.org"), ("cursor", "c")])), expected);
    let expected = TicketQuery { filter: TicketFilter::OfEvent(EventId::from_text("e1")), limit: 50, cursor: None };
    assert_eq!(asked(&of_event(&[])), expected);
    assert_eq!(asked(&of_event(&[("limit", "100"), ("cursor", "c")])).limit, 100);
}

#[test]
fn a_page_shows_its_tickets_and_where_to_go_on() {
    for request in [of_email(&[("email", "ada@example.org")]), of_event(&[])] {
        let page = TicketPage { items: vec![ticket(), confirmed(), cancelled()], next_cursor: Some("c2".into()) };
        let response = Mock { tickets: Ok(page), ..Mock::new() }.answer(&request);
        assert_eq!((response.status, header(&response, "cache-control")), (200, Some("no-store")));
        assert_eq!(header(&response, "content-type"), Some("application/json"));
        let body = json(&response);
        let statuses: Vec<_> = body["items"].as_array().unwrap().iter().map(|ticket| &ticket["status"]).collect();
        assert_eq!(statuses, ["reserved", "confirmed", "cancelled"]);
        assert_eq!(body["next_cursor"], "c2");
        assert_eq!(body["items"][0], json(&Mock::new().answer(&crate::mock::request("get-ticket", Some("t1"), ""))));
        let none = Mock { tickets: Ok(TicketPage { items: vec![], next_cursor: None }), ..Mock::new() };
        assert_eq!(json(&none.answer(&request)), value!({ "items": [], "next_cursor": Value::Null }));
    }
}

#[test]
fn a_page_of_an_event_links_to_the_next_one() {
    let page = TicketPage { items: vec![ticket()], next_cursor: Some("a_b-C/+\"é".into()) };
    let host = Mock { tickets: Ok(page), ..Mock::new() };
    let response = host.answer(&of_event(&[("limit", "1")]));
    let link = r#"</events/e1/tickets?limit=1&cursor=a_b-C%2F%2B%22%C3%A9>; rel="next""#;
    assert_eq!((header(&response, "link"), header(&response, "vary")), (Some(link), Some("accept")));
    let last = Mock::new().answer(&of_event(&[]));
    assert_eq!((header(&last, "link"), header(&last, "vary")), (None, Some("accept")));
}

#[test]
fn a_query_that_is_wrong_is_pointed_at_and_the_host_is_not_asked() {
    let host = Mock::new();
    let found = |request: &Request| pointers(&host.answer(request));
    assert_eq!(found(&of_email(&[])), ["/email"]);
    assert_eq!(found(&of_email(&[("email", "")])), ["/email"]);
    assert_eq!(found(&of_email(&[("email", "nobody")])), ["/email"]);
    assert_eq!(found(&of_email(&[("email", "a@b.cd"), ("email", "a@b.cd")])), ["/email"]);
    assert_eq!(found(&of_email(&[("email", "a@b.cd"), ("event", "1"), ("limit", "0")])), ["/event", "/limit"]);
    assert_eq!(found(&of_event(&[("email", "a@b.cd")])), ["/email"]);
    assert_eq!(found(&of_event(&[("limit", "101"), ("cursor", "a"), ("cursor", "b")])), ["/cursor", "/limit"]);
    assert_eq!(host.calls(), []);
}

#[test]
fn every_refusal_has_its_name() {
    let refused = |refusal| Mock { tickets: Err(refusal), ..Mock::new() };
    let email = of_email(&[("email", "a@b.cd")]);
    for request in [&email, &of_event(&[])] {
        problem(&refused(ListTicketsRefusal::AccessDenied).answer(request), 403, "forbidden");
        problem(&refused(ListTicketsRefusal::EventNotFound).answer(request), 404, "event_not_found");
        problem(&refused(ListTicketsRefusal::Other("no".into())).answer(request), 409, "refused");
        let found = refused(ListTicketsRefusal::Invalid(vec![invalid("/cursor", "is not ours")])).answer(request);
        assert_eq!(pointers(&found), ["/cursor"]);
    }
}

#[test]
fn a_caller_who_may_not_search_is_told_why_and_what_to_do() {
    let host = || Mock { tickets: Err(ListTicketsRefusal::AccessDenied), ..Mock::new() };
    for roles in [Roles::USER, Roles::ADMIN] {
        let request = Request { roles, ..of_email(&[("email", "a@b.cd")]) };
        let body = problem(&host().answer(&request), 403, "forbidden");
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains("header roles") && detail.contains("--allow-insecure-header-auth"), "{detail}");
    }
    // Who lacks the role is helped by the role.
    let body = problem(&host().answer(&of_email(&[("email", "a@b.cd")])), 403, "forbidden");
    assert_eq!(body["detail"], "The caller's role does not allow this; call with a role that does.");
    let body = problem(&host().answer(&of_event(&[])), 403, "forbidden");
    assert!(body["detail"].as_str().unwrap().contains("Only the organizer who created the event"), "{body}");
}
