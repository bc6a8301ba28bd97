//! Tickets: register, read, confirm, cancel, and what time does to them.

use std::time::Duration;

use harness::TestServer;
use serde_json::json;

#[tokio::test]
async fn a_registration_holds_seats_for_five_minutes() {
    let server = TestServer::start().await;
    let event = server.event(3).await;
    let registration = json!({"email": " Ada@Example.org ", "quantity": 2});
    let path = format!("/events/{event}/register");
    let answer = server.post(&path).role("user").json(&registration).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.body["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/tickets/{id}"));
    assert_eq!(answer.header("idempotency-replayed"), "");
    assert_eq!(
        answer.body,
        json!({"id": id, "event_id": event, "email": "Ada@Example.org", "quantity": 2, "status": "reserved",
               "reserved_at": "2026-11-21T09:30:00.000Z", "expires_at": "2026-11-21T09:35:00.000Z",
               "server_time": "2026-11-21T09:30:00.000Z"})
    );
    assert_eq!(server.available(&event).await, 1);
    let read = server.get(answer.header("location")).role("user").send().await;
    assert_eq!((read.status, &read.body), (200, &answer.body));
}

#[tokio::test]
async fn a_sold_out_event_is_refused_by_name() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    server.hold(&event, "a@example.org").await;
    // Twice: the second is answered from a reader's snapshot.
    for _ in 0..2 {
        server.register(&event, "b@example.org").send().await.assert_problem(409, "sold_out");
    }
    assert_eq!(server.available(&event).await, 0);
}

#[tokio::test]
async fn more_seats_than_are_left_are_refused_and_fewer_still_sold() {
    let server = TestServer::start().await;
    let event = server.event(2).await;
    let path = format!("/events/{event}/register");
    let three = json!({"email": "a@example.org", "quantity": 3});
    server.post(&path).role("user").json(&three).send().await.assert_problem(409, "sold_out");
    let two = json!({"email": "a@example.org", "quantity": 2});
    assert_eq!(server.post(&path).role("user").json(&two).send().await.status, 201);
}

#[tokio::test]
async fn one_email_has_one_live_ticket_for_an_event_whatever_its_case() {
    let server = TestServer::start().await;
    let (event, other) = (server.event(5).await, server.event(5).await);
    server.hold(&event, "Ada@example.org").await;
    server.register(&event, " ada@EXAMPLE.org").send().await.assert_problem(409, "already_registered");
    server.hold(&other, "ada@example.org").await;
    assert_eq!(server.available(&event).await, 4);
}

#[tokio::test]
async fn already_registered_comes_before_sold_out() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    server.hold(&event, "a@example.org").await;
    for _ in 0..2 {
        server.register(&event, "a@example.org").send().await.assert_problem(409, "already_registered");
    }
}

#[tokio::test]
async fn a_registration_for_an_event_that_is_not_there_is_not_found() {
    let server = TestServer::start().await;
    server.register("nothing", "a@example.org").send().await.assert_problem(404, "event_not_found");
}

#[tokio::test]
async fn confirming_a_hold_sells_it_and_confirming_again_says_the_same() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    let ticket = server.hold(&event, "a@example.org").await;
    server.clock.advance(Duration::from_secs(10));
    let path = format!("/tickets/{ticket}/confirm");
    let first = server.post(&path).role("user").send().await;
    assert_eq!((first.status, &first.body["status"]), (200, &json!("confirmed")), "{}", first.text);
    assert_eq!(first.body["confirmed_at"], "2026-11-21T09:30:10.000Z");
    let again = server.post(&path).role("user").send().await;
    assert_eq!((again.status, again.body), (200, first.body));
    server.clock.advance(Duration::from_hours(1));
    assert_eq!(server.server().sweep().await.unwrap(), 0);
    assert_eq!(server.available(&event).await, 0);
}

#[tokio::test]
async fn a_confirm_counts_until_the_last_millisecond_of_the_hold_and_not_in_the_next_swept_or_not() {
    let server = TestServer::start().await;
    let event = server.event(3).await;
    let (early, late, swept) = (
        server.hold(&event, "early@example.org").await,
        server.hold(&event, "late@example.org").await,
        server.hold(&event, "swept@example.org").await,
    );
    let confirm = |ticket: &str| server.post(&format!("/tickets/{ticket}/confirm")).role("user").send();
    server.clock.advance(Duration::from_millis(299_999));
    assert_eq!(server.server().sweep().await.unwrap(), 0, "nothing is due before its time");
    assert_eq!(confirm(&early).await.status, 200);
    server.clock.advance(Duration::from_millis(1));
    confirm(&late).await.assert_problem(409, "hold_expired");
    assert_eq!(server.server().sweep().await.unwrap(), 2);
    confirm(&late).await.assert_problem(409, "hold_expired");
    confirm(&swept).await.assert_problem(409, "hold_expired");
    assert_eq!(confirm(&early).await.status, 200);
    assert_eq!(server.available(&event).await, 2);
}

#[tokio::test]
async fn a_hold_that_ran_out_reads_as_cancelled_at_its_end_swept_or_not() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    let ticket = server.hold(&event, "a@example.org").await;
    server.clock.advance(Duration::from_secs(400));
    for _ in 0..2 {
        let read = server.get(&format!("/tickets/{ticket}")).role("user").send().await;
        assert_eq!(read.body["status"], "cancelled");
        assert_eq!(read.body["cancelled_at"], "2026-11-21T09:35:00.000Z");
        server.server().sweep().await.unwrap();
    }
}

#[tokio::test]
async fn seats_of_a_hold_that_ran_out_are_sold_again_without_a_sweep() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    let first = server.hold(&event, "a@example.org").await;
    server.register(&event, "b@example.org").send().await.assert_problem(409, "sold_out");
    server.clock.advance(Duration::from_mins(5));
    server.hold(&event, "b@example.org").await;
    server.post(&format!("/tickets/{first}/confirm")).role("user").send().await.assert_problem(409, "hold_expired");
    assert_eq!(server.available(&event).await, 0);
}

#[tokio::test]
async fn whoever_let_a_hold_run_out_may_register_again() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    let first = server.hold(&event, "a@example.org").await;
    server.clock.advance(Duration::from_mins(5));
    let second = server.hold(&event, "a@example.org").await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn cancelling_returns_the_seats_once_and_cancelling_again_says_the_same() {
    let server = TestServer::start().await;
    let event = server.event(2).await;
    let ticket = server.hold(&event, "a@example.org").await;
    let path = format!("/tickets/{ticket}/cancel");
    let first = server.post(&path).role("user").send().await;
    assert_eq!((first.status, &first.body["status"]), (200, &json!("cancelled")), "{}", first.text);
    assert_eq!(server.available(&event).await, 2);
    let again = server.post(&path).role("user").send().await;
    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!(server.available(&event).await, 2);
    server
        .post(&format!("/tickets/{ticket}/confirm"))
        .role("user")
        .send()
        .await
        .assert_problem(409, "ticket_cancelled");
    server.hold(&event, "a@example.org").await;
}

#[tokio::test]
async fn a_confirmed_ticket_may_be_cancelled_and_its_seats_are_free_at_once() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    let ticket = server.hold(&event, "a@example.org").await;
    server.post(&format!("/tickets/{ticket}/confirm")).role("user").send().await;
    let cancelled = server.post(&format!("/tickets/{ticket}/cancel")).role("user").json(&json!({})).send().await;
    assert_eq!((cancelled.status, &cancelled.body["status"]), (200, &json!("cancelled")));
    server.hold(&event, "b@example.org").await;
    server
        .post(&format!("/tickets/{ticket}/confirm"))
        .role("user")
        .send()
        .await
        .assert_problem(409, "ticket_cancelled");
}

#[tokio::test]
async fn a_ticket_that_nobody_has_is_not_found() {
    let server = TestServer::start().await;
    server.get("/tickets/nothing").role("user").send().await.assert_problem(404, "ticket_not_found");
    for action in ["confirm", "cancel"] {
        let path = format!("/tickets/nothing/{action}");
        server.post(&path).role("user").send().await.assert_problem(404, "ticket_not_found");
    }
}

#[tokio::test]
async fn the_same_key_with_the_same_request_gives_the_same_ticket_and_takes_no_second_seat() {
    let server = TestServer::start().await;
    let event = server.event(2).await;
    let first = server.register(&event, "a@example.org").key("k1").send().await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""));
    server.clock.advance(Duration::from_secs(1));
    // Quoted as RFC 9651 has it, or in the body: it is the same key. And the email compares without case.
    let quoted = server.register(&event, "A@example.org").key("\"k1\"").send().await;
    let body = json!({"email": "a@example.org", "idempotency_key": "k1"});
    let in_body = server.post(&format!("/events/{event}/register")).role("user").json(&body).send().await;
    for again in [quoted, in_body] {
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"), "{}", again.text);
        assert_eq!(again.body["id"], first.body["id"]);
        assert_eq!(again.body["server_time"], "2026-11-21T09:30:01.000Z");
    }
    assert_eq!(server.available(&event).await, 1);
}

#[tokio::test]
async fn a_replay_shows_the_ticket_as_it_is_now_even_when_nothing_is_left() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    let first = server.register(&event, "a@example.org").key("k1").send().await;
    let ticket = first.body["id"].as_str().unwrap().to_owned();
    let replay = || server.register(&event, "a@example.org").key("k1").send();
    server.register(&event, "b@example.org").key("k2").send().await.assert_problem(409, "sold_out");
    assert_eq!(replay().await.body["status"], "reserved");
    server.post(&format!("/tickets/{ticket}/confirm")).role("user").send().await;
    assert_eq!(replay().await.body["status"], "confirmed");
    server.post(&format!("/tickets/{ticket}/cancel")).role("user").send().await;
    let cancelled = replay().await;
    assert_eq!((cancelled.status, &cancelled.body["status"]), (201, &json!("cancelled")));
    assert_eq!(server.available(&event).await, 1);
}

#[tokio::test]
async fn a_key_for_another_request_is_refused_whatever_differs() {
    let server = TestServer::start().await;
    let (event, other) = (server.event(9).await, server.event(9).await);
    server.register(&event, "a@example.org").key("k1").send().await;
    let two = json!({"email": "a@example.org", "quantity": 2});
    let quantity = server.post(&format!("/events/{event}/register")).role("user").json(&two).key("k1");
    let email = server.register(&event, "b@example.org").key("k1");
    let elsewhere = server.register(&other, "a@example.org").key("k1");
    let nowhere = server.register("nothing", "a@example.org").key("k1");
    for call in [quantity, email, elsewhere, nowhere] {
        call.send().await.assert_problem(422, "idempotency_key_reused");
    }
    assert_eq!((server.available(&event).await, server.available(&other).await), (8, 9));
}

#[tokio::test]
async fn refusals_are_not_remembered_under_a_key() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    let first = server.hold(&event, "a@example.org").await;
    server.register(&event, "b@example.org").key("k1").send().await.assert_problem(409, "sold_out");
    server.post(&format!("/tickets/{first}/cancel")).role("user").send().await;
    let later = server.register(&event, "b@example.org").key("k1").send().await;
    assert_eq!((later.status, later.header("idempotency-replayed")), (201, ""));
}
