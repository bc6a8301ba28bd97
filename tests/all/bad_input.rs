//! What people send by mistake or on purpose: a named refusal, and nothing written.

use harness::TestServer;
use serde_json::{Value, json};

/// Sends a body as JSON and checks that it is refused, and where.
async fn refused(server: &TestServer, path: &str, role: &str, body: &str, pointer: &str) {
    let call = server.post(path).role(role).header("content-type", "application/json").body(body.to_owned());
    let answer = call.send().await;
    answer.assert_problem(400, "invalid_request");
    if !pointer.is_empty() {
        let pointers: Vec<_> = answer.body["errors"].as_array().into_iter().flatten().map(|e| &e["pointer"]).collect();
        assert!(pointers.contains(&&Value::from(pointer)), "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn an_event_outside_its_limits_is_refused_with_a_pointer_to_what_is_wrong() {
    let server = TestServer::start().await;
    let long = "x".repeat(201);
    let cases = [
        ("{\"name\": \"x\"", ""),
        ("", ""),
        ("[]", ""),
        ("null", ""),
        ("\"text\"", ""),
        (r#"{"capacity": 5}"#, "/name"),
        (r#"{"name": "x"}"#, "/capacity"),
        (r#"{"name": "", "capacity": 5}"#, "/name"),
        (r#"{"name": "   ", "capacity": 5}"#, "/name"),
        (&format!(r#"{{"name": "{long}", "capacity": 5}}"#), "/name"),
        (r#"{"name": 5, "capacity": 5}"#, "/name"),
        (r#"{"name": "x", "capacity": 0}"#, "/capacity"),
        (r#"{"name": "x", "capacity": -1}"#, "/capacity"),
        (r#"{"name": "x", "capacity": 1000000000000}"#, "/capacity"),
        (r#"{"name": "x", "capacity": 1000001}"#, "/capacity"),
        (r#"{"name": "x", "capacity": 1.5}"#, "/capacity"),
        (r#"{"name": "x", "capacity": "5"}"#, "/capacity"),
        (r#"{"name": "x", "capacity": 5, "colour": "red"}"#, "/colour"),
        (r#"{"name": "x", "capacity": 5, "starts_at": "tomorrow"}"#, "/starts_at"),
        (r#"{"name": "x", "capacity": 5, "starts_at": "1969-12-31T23:59:59Z"}"#, "/starts_at"),
        (r#"{"name": "x", "capacity": 5, "tags": "rust"}"#, "/tags"),
        (r#"{"name": "x", "capacity": 5, "tags": [""]}"#, "/tags/0"),
        (r#"{"name": "x", "capacity": 5, "attributes": []}"#, "/attributes"),
    ];
    for (body, pointer) in cases {
        refused(&server, "/events", "organizer", body, pointer).await;
    }
    let tags: Vec<_> = (0..17).map(|n| format!("tag {n}")).collect();
    let many = json!({"name": "x", "capacity": 5, "tags": tags}).to_string();
    refused(&server, "/events", "organizer", &many, "/tags").await;
    let attributes = json!({"name": "x", "capacity": 5, "attributes": {"a": "x".repeat(8200)}}).to_string();
    refused(&server, "/events", "organizer", &attributes, "/attributes").await;
    assert_eq!(server.get("/events").send().await.body["items"], json!([]), "nothing was written");
}

#[tokio::test]
async fn several_mistakes_are_told_at_once() {
    let server = TestServer::start().await;
    let body = json!({"name": "", "capacity": 0});
    let answer = server.post("/events").role("organizer").json(&body).send().await;
    answer.assert_problem(400, "invalid_request");
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 2, "{}", answer.text);
}

#[tokio::test]
async fn a_registration_outside_its_limits_is_refused_with_a_pointer_to_what_is_wrong() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    let path = format!("/events/{event}/register");
    let long_email = format!("{}@example.org", "x".repeat(250));
    let long_key = "k".repeat(300);
    let cases = [
        ("", ""),
        ("{}", "/email"),
        (r#"{"email": ""}"#, "/email"),
        (r#"{"email": "nobody"}"#, "/email"),
        (r#"{"email": "a@"}"#, "/email"),
        (r#"{"email": "@b"}"#, "/email"),
        (r#"{"email": "a b@c.org"}"#, "/email"),
        (r#"{"email": "a@b@c"}"#, "/email"),
        (r#"{"email": "a@b.org\nbcc: c@d.org"}"#, "/email"),
        (&format!(r#"{{"email": "{long_email}"}}"#), "/email"),
        (r#"{"email": ["a@b.org"]}"#, "/email"),
        (r#"{"email": "a@b.org", "quantity": 0}"#, "/quantity"),
        (r#"{"email": "a@b.org", "quantity": 11}"#, "/quantity"),
        (r#"{"email": "a@b.org", "quantity": -1}"#, "/quantity"),
        (r#"{"email": "a@b.org", "quantity": 1.5}"#, "/quantity"),
        (r#"{"email": "a@b.org", "quantity": 99999999999999999999}"#, "/quantity"),
        (r#"{"email": "a@b.org", "idempotency_key": ""}"#, "/idempotency_key"),
        (&format!(r#"{{"email": "a@b.org", "idempotency_key": "{long_key}"}}"#), "/idempotency_key"),
        (r#"{"email": "a@b.org", "hold_ms": 1}"#, "/hold_ms"),
        (r#"{"email": "a@b.org", "email": "c@d.org"}"#, "/email"),
    ];
    for (body, pointer) in cases {
        refused(&server, &path, "user", body, pointer).await;
    }
    let deep = format!(r#"{{"email": {}1{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    refused(&server, &path, "user", &deep, "").await;
    assert_eq!(server.available(&event).await, 5, "nothing was written");
}

#[tokio::test]
async fn an_idempotency_key_header_that_cannot_be_is_refused() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    let call = || server.register(&event, "a@example.org");
    let in_body = json!({"email": "a@example.org", "idempotency_key": "other"});
    let calls = [
        call().key(&"k".repeat(300)),
        call().key("\"open"),
        call().key(""),
        call().key("\"\""),
        call().key("k1").key("k1"),
        server.post(&format!("/events/{event}/register")).role("user").json(&in_body).key("k1"),
    ];
    for call in calls {
        call.send().await.assert_problem(400, "invalid_request");
    }
    assert_eq!(server.available(&event).await, 5);
}

#[tokio::test]
async fn a_body_that_is_not_json_by_its_own_word_is_unsupported() {
    let server = TestServer::start().await;
    let body = r#"{"name": "x", "capacity": 5}"#;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "json"] {
        let call = server.post("/events").role("organizer").header("content-type", content_type).body(body);
        call.send().await.assert_problem(415, "unsupported_media_type");
    }
    server.post("/events").role("organizer").body(body).send().await.assert_problem(415, "unsupported_media_type");
    let call = server.post("/events").role("organizer").header("content-type", "Application/JSON; charset=UTF-8");
    assert_eq!(call.body(body).send().await.status, 201);
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large_announced_or_not() {
    let server = TestServer::start().await;
    let body = json!({"name": "x".repeat(70_000), "capacity": 5});
    server.post("/events").role("organizer").json(&body).send().await.assert_problem(413, "body_too_large");
    let chunk = "x".repeat(0x8000);
    let chunks = format!("8000\r\n{chunk}\r\n").repeat(3);
    let request = format!(
        "POST /events HTTP/1.1\r\nhost: h\r\nx-role: organizer\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunks}0\r\n\r\n"
    );
    let answer = harness::raw(server.address(), request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"body_too_large\""), "{answer}");
}

#[tokio::test]
async fn ids_with_quotes_dots_and_slashes_name_nothing() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    for id in ["'", "%27%20OR%201%3D1--", "%22", "%2e%2e%2f", "..%2F..%2Fetc", "%00", "a%0Ab", &"x".repeat(5000)] {
        server.get(&format!("/events/{id}")).send().await.assert_problem(404, "event_not_found");
        server.get(&format!("/tickets/{id}")).role("user").send().await.assert_problem(404, "ticket_not_found");
        server.register(id, "a@example.org").send().await.assert_problem(404, "event_not_found");
        let path = format!("/tickets/{id}/confirm");
        server.post(&path).role("user").send().await.assert_problem(404, "ticket_not_found");
    }
    for path in ["/events/../events", "/events//register", "/events/", "/events/%ff"] {
        let answer = server.get(path).send().await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.text);
    }
    server.get("/events/%ff").send().await.assert_problem(400, "invalid_request");
    assert_eq!(server.available(&event).await, 5);
}

#[tokio::test]
async fn a_query_that_a_route_does_not_know_is_refused() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    for path in [format!("/events/{event}"), format!("/events/{event}/availability")] {
        let answer = server.get(&format!("{path}?colour=red")).send().await;
        answer.assert_problem(400, "invalid_request");
        assert_eq!(answer.body["errors"][0]["pointer"], "/colour");
    }
    let email = json!({"email": "a@example.org"});
    let call = server.post(&format!("/events/{event}/register?dry_run=true")).role("user").json(&email);
    call.send().await.assert_problem(400, "invalid_request");
    assert_eq!(server.available(&event).await, 5);
}

#[tokio::test]
async fn emails_of_all_scripts_are_taken() {
    let server = TestServer::start().await;
    let event = server.event(9).await;
    for email in ["हिन्दी@x.org", "ไทยที่@x.org", "e\u{301}@x.org", "用户@例子.广告", "مثال@x.org", "o'brien+tag@x.co.uk"]
    {
        server.hold(&event, email).await;
    }
}

#[tokio::test]
async fn a_body_in_another_coding_is_unsupported() {
    let server = TestServer::start().await;
    let body = r#"{"name": "x", "capacity": 5}"#;
    let json = || server.post("/events").role("organizer").body(body);
    let calls = [
        json().header("content-type", "application/json").header("content-encoding", "gzip"),
        json().header("content-type", "application/json; charset=utf-16"),
        json().header("content-type", "application/merge-patch+json"),
    ];
    for call in calls {
        call.send().await.assert_problem(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn confirm_and_cancel_take_no_fields() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    let ticket = server.hold(&event, "a@example.org").await;
    for action in ["confirm", "cancel"] {
        refused(&server, &format!("/tickets/{ticket}/{action}"), "user", r#"{"force": true}"#, "/force").await;
    }
    let read = server.get(&format!("/tickets/{ticket}")).role("user").send().await;
    assert_eq!(read.body["status"], "reserved");
}
