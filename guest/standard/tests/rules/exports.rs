//! `GET /events/{id}/tickets` as CSV: when, and what is in it.

use boxoffice_sdk::Response;
use boxoffice_sdk::Ticket;
use boxoffice_sdk::TicketPage;

use crate::mock::*;

/// The answer for these lines of `Accept`.
fn answer(tickets: Vec<Ticket>, accept: &[&str]) -> Response {
    let host = Mock { tickets: Ok(TicketPage { items: tickets, next_cursor: None }), ..Mock::new() };
    let request = request("list-event-tickets", Some("e1"), "");
    host.answer(&accept.iter().fold(request, |request, line| with_header(request, "accept", line)))
}

const HEADER: &str = "id,event_id,email,quantity,status,reserved_at,expires_at,confirmed_at,cancelled_at\r\n";

#[test]
fn a_page_as_csv_has_a_header_row_and_a_row_for_each_ticket() {
    let response = answer(vec![ticket(), confirmed(), cancelled()], &["text/csv"]);
    assert_eq!(response.status, 200);
    assert_eq!(header(&response, "content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(header(&response, "content-disposition"), Some(r#"attachment; filename="tickets.csv""#));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "vary"), Some("accept"));
    let rows = [
        "t1,e1,Ada@example.org,2,reserved,2026-11-21T09:30:00.000Z,2026-11-21T09:35:00.000Z,,\r\n",
        "t1,e1,Ada@example.org,2,confirmed,2026-11-21T09:30:00.000Z,2026-11-21T09:35:00.000Z,2026-11-21T09:30:01.000Z,\r\n",
        "t1,e1,Ada@example.org,2,cancelled,2026-11-21T09:30:00.000Z,2026-11-21T09:35:00.000Z,,2026-11-21T09:30:02.000Z\r\n",
    ];
    assert_eq!(text(&response), [HEADER, rows[0], rows[1], rows[2]].concat());
    assert_eq!(text(&answer(vec![], &["text/csv"])), HEADER);
}

#[test]
fn a_cell_that_would_be_a_formula_is_made_a_text() {
    let cell = |email: &str| {
        let response = answer(vec![Ticket { email: email.into(), ..ticket() }], &["text/csv"]);
        let row = text(&response).strip_prefix(HEADER).unwrap().to_owned();
        let rest = row.strip_prefix("t1,e1,").unwrap();
        rest[..rest.find(",2,reserved").unwrap()].to_owned()
    };
    for email in ["=1+1@x.org", "+a@x.org", "-a@x.org", "@x.org", "\ta@x.org"] {
        assert_eq!(cell(email), format!("'{email}"));
    }
    // Quoted, since it breaks the line, and an apostrophe inside the quotes.
    assert_eq!(cell("\ra@x.org"), "\"'\ra@x.org\"");
    assert_eq!(cell("=\"a,b\"@x.org"), r#""'=""a,b""@x.org""#);
    for email in ["a=b@x.org", "a+b@x.org", "'a@x.org", " =a@x.org"] {
        assert_eq!(cell(email), email);
    }
    assert_eq!(cell("\"a,b\"@x.org"), r#""""a,b""@x.org""#);
}

#[test]
fn csv_is_for_those_who_would_rather_have_it() {
    for accept in [
        &["text/csv"][..],
        &["TEXT/CSV"],
        &["text/*"],
        &["text/csv; charset=utf-8; header=present"],
        &["text/csv, application/json;q=0.9"],
        &["application/json;q=0.999,text/csv;q=1"],
        &["*/*;q=0.1, text/csv;q=0.2"],
        &["text/html, text/csv"],
        &["application/json;q=0, */*"],
        &["text/csv;q=0.001"],
        &["text/csv;q=1.000", "application/json;q=0.5"],
        &["text/plain;x=\"a,b;q=0\", text/csv"],
        &["garbage, text/csv"],
        &["text/csv ; q=0.8 , application/json ; Q=0.7"],
    ] {
        let response = answer(vec![], accept);
        assert!(header(&response, "content-type").unwrap().starts_with("text/csv"), "{accept:?}");
    }
}

#[test]
fn json_is_for_everybody_else() {
    for accept in [
        &[][..],
        &[""],
        &["*/*"],
        &["application/json"],
        &["text/csv, application/json"],
        &["text/csv;q=0.5, */*"],
        &["text/csv;q=0"],
        &["text/csv;q=0, text/*"],
        &["text/*, application/*"],
        &["text/html"],
        &["image/png;q=0.5"],
        &["text/csv;q=2"],
        &["text/csv;q=-1"],
        &["text/csv;q=1.5"],
        &["text/csv;q=0.1234"],
        &["text/csv;q="],
        &["text/csv;q=x"],
        &["text"],
        &["text/csvx, xtext/csv, text/csv/x"],
        &["text/plain;x=\"y, text/csv\""],
        &["application/json", "text/csv;q=0.9"],
    ] {
        let response = answer(vec![], accept);
        assert_eq!(header(&response, "content-type"), Some("application/json"), "{accept:?}");
        assert_eq!(header(&response, "content-disposition"), None);
        assert_eq!(header(&response, "vary"), Some("accept"));
    }
}
