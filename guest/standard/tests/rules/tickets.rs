//! `GET /tickets/{id}`, and its confirmation and cancellation.

use boxoffice_sdk::{CancelRefusal, ConfirmRefusal, GetTicketRefusal};

use crate::mock::*;

#[test]
fn a_ticket_is_read() {
    let host = Mock::new();
    let response = host.answer(&request("get-ticket", Some("t1"), ""));
    assert_eq!(response.status, 200);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(header(&response, "etag"), None);
    let body = json(&response);
    assert_eq!((&body["id"], &body["status"]), (&"t1".into(), &"reserved".into()));
    assert_eq!((body.get("confirmed_at"), body.get("cancelled_at")), (None, None));
    assert_eq!(body.get("attributes"), None);
    assert_eq!(host.calls(), [Call::Ticket("t1".to_owned())]);
}

#[test]
fn a_confirmed_ticket_tells_when() {
    let host = Mock::new();
    let response = host.answer(&request("confirm-ticket", Some("t1"), ""));
    assert_eq!(response.status, 200);
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    let body = json(&response);
    assert_eq!(body["status"], "confirmed");
    assert_eq!(body["confirmed_at"], "2026-11-21T09:30:01.000Z");
    assert_eq!(body.get("cancelled_at"), None);
    assert_eq!(body["server_time"], "2026-11-21T09:30:00.000Z");
    assert_eq!(host.calls(), [Call::Confirm("t1".to_owned())]);
}

#[test]
fn a_cancelled_ticket_tells_when() {
    let host = Mock::new();
    let response = host.answer(&request("cancel-ticket", Some("t1"), ""));
    assert_eq!(response.status, 200);
    let body = json(&response);
    assert_eq!(body["status"], "cancelled");
    assert_eq!(body["cancelled_at"], "2026-11-21T09:30:02.000Z");
    assert_eq!(body.get("confirmed_at"), None);
    assert_eq!(host.calls(), [Call::Cancel("t1".to_owned())]);
}

#[test]
fn a_body_that_says_nothing_is_taken() {
    for route in ["confirm-ticket", "cancel-ticket"] {
        for body in ["", " \n", "{}", " { } "] {
            assert_eq!(Mock::new().answer(&request(route, Some("t1"), body)).status, 200, "{route} {body:?}");
        }
    }
}

#[test]
fn a_body_that_says_something_is_refused() {
    for route in ["confirm-ticket", "cancel-ticket"] {
        for (body, pointer) in
            [(r#"{"a":1}"#, "/a"), ("[]", ""), ("null", ""), ("{", ""), ("x", ""), ("{}{}", ""), ("{},", "")]
        {
            let host = Mock::new();
            assert_eq!(pointers(&host.answer(&request(route, Some("t1"), body))), [pointer], "{route} {body}");
            assert_eq!(host.calls(), [], "{route} {body}");
        }
    }
}

#[test]
fn every_refusal_to_read_has_its_name() {
    for (refusal, status, code) in [
        (GetTicketRefusal::AccessDenied, 403, "forbidden"),
        (GetTicketRefusal::TicketNotFound, 404, "ticket_not_found"),
        (GetTicketRefusal::Other("no".to_owned()), 409, "refused"),
    ] {
        let host = Mock { ticket: Err(refusal), ..Mock::new() };
        problem(&host.answer(&request("get-ticket", Some("t1"), "")), status, code);
    }
}

#[test]
fn every_refusal_to_confirm_has_its_name() {
    for (refusal, status, code) in [
        (ConfirmRefusal::AccessDenied, 403, "forbidden"),
        (ConfirmRefusal::TicketNotFound, 404, "ticket_not_found"),
        (ConfirmRefusal::HoldExpired, 409, "hold_expired"),
        (ConfirmRefusal::TicketCancelled, 409, "ticket_cancelled"),
        (ConfirmRefusal::Other(String::new()), 409, "refused"),
    ] {
        let host = Mock { confirm: Err(refusal), ..Mock::new() };
        problem(&host.answer(&request("confirm-ticket", Some("t1"), "")), status, code);
    }
}

#[test]
fn every_refusal_to_cancel_has_its_name() {
    for (refusal, status, code) in [
        (CancelRefusal::AccessDenied, 403, "forbidden"),
        (CancelRefusal::TicketNotFound, 404, "ticket_not_found"),
        (CancelRefusal::Other("no".to_owned()), 409, "refused"),
    ] {
        let host = Mock { cancel: Err(refusal), ..Mock::new() };
        problem(&host.answer(&request("cancel-ticket", Some("t1"), "")), status, code);
    }
}
