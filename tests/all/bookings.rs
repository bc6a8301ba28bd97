//! `guest/bookings` on the real server: an API of its own over the same promises.

use harness::{Answer, Call, TestServer, bookings_rules};
use serde_json::{Value, json};

async fn serve() -> TestServer {
    TestServer::builder().rules(bookings_rules()).start().await
}

/// An event of so many seats.
async fn event(server: &TestServer, capacity: u32) -> String {
    let event = json!({"name": "An event", "capacity": capacity});
    let answer = server.post("/events").role("organizer").json(&event).send().await;
    assert_eq!((answer.status, &answer.body["success"]), (201, &json!(true)), "{}", answer.text);
    answer.body["data"]["id"].as_str().expect("an id").to_owned()
}

fn book(server: &TestServer, event: &str, email: &str) -> Call {
    server.post("/bookings").role("user").json(&json!({"event_id": event, "user_email": email}))
}

/// Checks that a refusal is in the envelope.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    let body = &answer.body;
    assert_eq!((&body["success"], &body["data"]["code"]), (&json!(false), &json!(code)), "{}", answer.text);
    assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{}", answer.text);
    assert_eq!(body["data"]["request_id"], answer.header("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_bookings_at_once_of_five_seats_exactly_five_succeed() {
    let server = serve().await;
    let event = event(&server, 5).await;
    let calls = (0..10).map(|n| tokio::spawn(book(&server, &event, &format!("user{n}@example.org")).send()));
    let mut booked = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        let answer = call.await.unwrap();
        if answer.status == 201 {
            assert_eq!(answer.body["data"]["status"], "confirmed");
            booked.push(answer.body["data"]["id"].clone());
        } else {
            assert_refused(&answer, 409, "sold_out");
        }
    }
    assert_eq!(booked.len(), 5);
    let seats = server.get(&format!("/events/{event}/availability")).send().await.body;
    let counts = ["capacity", "available", "reserved", "confirmed"].map(|name| seats["data"][name].clone());
    assert_eq!(counts, [5, 0, 0, 5].map(Value::from), "{seats}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_is_confirmed_found_by_its_email_and_cancelled() {
    // With header roles nobody may search by email, unless the operator says so.
    let builder = TestServer::builder().with(|settings| settings.allow_insecure_header_auth = true);
    let server = builder.rules(bookings_rules()).start().await;
    let event = event(&server, 5).await;
    let booked = book(&server, &event, "Ada@example.org").key("k1").send().await;
    assert_eq!((booked.status, &booked.body["data"]["status"]), (201, &json!("confirmed")), "{}", booked.text);
    let id = booked.body["data"]["id"].as_str().unwrap();
    assert_eq!(booked.header("location"), format!("/bookings/{id}"));
    let again = book(&server, &event, "ada@example.org").key("k1").send().await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"), "{}", again.text);
    assert_eq!(again.body, booked.body);
    let read = server.get(&format!("/bookings/{id}")).role("user").send().await;
    assert_eq!(read.body["data"], booked.body["data"]);
    let found = server.get("/bookings?email=ADA@example.org").role("user").send().await;
    assert_eq!((found.status, &found.body["data"]["items"]), (200, &json!([booked.body["data"]])), "{}", found.text);
    for _ in 0..2 {
        let over = server.post(&format!("/bookings/{id}/cancel")).role("user").send().await;
        assert_eq!((over.status, &over.body["data"]["status"]), (200, &json!("cancelled")), "{}", over.text);
    }
    let repeated = book(&server, &event, "ada@example.org").key("k1").send().await;
    assert_eq!(repeated.body["message"], "The booking was made, and has been cancelled since.");
    let seats = server.get(&format!("/events/{event}/availability")).send().await;
    assert_eq!(seats.body["data"]["available"], 5);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_module_are_in_the_envelope_and_those_of_the_host_are_problems() {
    let server = serve().await;
    let event = event(&server, 1).await;
    assert_refused(&book(&server, "none", "a@example.org").send().await, 404, "event_not_found");
    let wrong = book(&server, &event, "nobody").send().await;
    assert_refused(&wrong, 400, "invalid_request");
    assert_eq!(wrong.body["data"]["errors"][0]["pointer"], "/user_email");
    assert_refused(&server.get("/bookings/none").role("user").send().await, 404, "ticket_not_found");
    book(&server, &event, "a@example.org").send().await;
    assert_refused(&book(&server, &event, "A@example.org").send().await, 409, "already_registered");
    server.get("/nothing").send().await.assert_problem(404, "route_not_found");
    server.post("/bookings").json(&json!({})).send().await.assert_problem(403, "forbidden");
    server.stop().await;
}
