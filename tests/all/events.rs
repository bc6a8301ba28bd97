//! Events: `POST /events`, `GET /events`, `GET /events/{id}`, `GET /events/{id}/availability`.

use std::collections::HashSet;
use std::time::Duration;

use harness::TestServer;
use serde_json::json;

#[tokio::test]
async fn an_event_is_created_and_read_back_the_same() {
    let server = TestServer::start().await;
    let event = json!({
        "name": "Rust in the evening", "capacity": 40, "starts_at": "2026-12-24T20:00:00+01:00",
        "tags": ["rust", "talk"], "attributes": {"room": {"floor": 3}},
    });
    let created = server.post("/events").role("organizer").json(&event).send().await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.header("content-type"), "application/json");
    let id = created.body["id"].as_str().unwrap();
    assert_eq!(created.header("location"), format!("/events/{id}"));
    let expected = json!({
        "id": id, "name": "Rust in the evening", "capacity": 40, "available": 40, "starts_at": "2026-12-24T19:00:00.000Z",
        "tags": ["rust", "talk"], "attributes": {"room": {"floor": 3}}, "created_at": "2026-11-21T09:30:00.000Z", "version": 1,
    });
    assert_eq!(created.body, expected);
    let read = server.get(created.header("location")).send().await;
    assert_eq!((read.status, read.body), (200, expected));
}

#[tokio::test]
async fn an_event_that_does_not_start_has_no_starts_at() {
    let server = TestServer::start().await;
    let id = server.event(1).await;
    let event = server.get(&format!("/events/{id}")).send().await;
    assert!(event.body.as_object().unwrap().get("starts_at").is_none(), "{}", event.text);
}

#[tokio::test]
async fn an_event_that_nobody_made_is_not_found() {
    let server = TestServer::start().await;
    for path in ["/events/nothing", "/events/nothing/availability", "/events/01920000-0000-7000-8000-000000000000"] {
        server.get(path).send().await.assert_problem(404, "event_not_found");
    }
}

#[tokio::test]
async fn availability_counts_seats_by_what_became_of_them() {
    let server = TestServer::start().await;
    let event = server.event(10).await;
    let held = json!({"email": "a@example.org", "quantity": 3});
    server.post(&format!("/events/{event}/register")).role("user").json(&held).send().await;
    let ticket = server.hold(&event, "b@example.org").await;
    server.post(&format!("/tickets/{ticket}/confirm")).role("user").send().await;
    let availability = server.get(&format!("/events/{event}/availability")).send().await;
    assert_eq!(
        availability.body,
        json!({"event_id": event, "capacity": 10, "available": 6, "reserved": 3, "confirmed": 1,
               "server_time": "2026-11-21T09:30:00.000Z"})
    );
}

#[tokio::test]
async fn an_event_has_an_etag_of_version_and_availability_and_is_not_sent_twice() {
    let server = TestServer::start().await;
    let event = server.event(2).await;
    let path = format!("/events/{event}");
    let first = server.get(&path).send().await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag:?}");
    for value in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
        let again = server.get(&path).header("if-none-match", &value).send().await;
        assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag.as_str()), "{value}");
    }
    server.hold(&event, "a@example.org").await;
    let changed = server.get(&path).header("if-none-match", &tag).send().await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn the_list_has_the_soonest_event_first_and_those_without_a_start_last() {
    let server = TestServer::start().await;
    for (name, starts_at) in
        [("last", None), ("second", Some("2027-02-01T00:00:00Z")), ("first", Some("2027-01-01T00:00:00Z"))]
    {
        let mut event = json!({"name": name, "capacity": 1});
        if let Some(starts_at) = starts_at {
            event["starts_at"] = starts_at.into();
        }
        server.post("/events").role("organizer").json(&event).send().await;
    }
    let list = server.get("/events").send().await;
    let names: Vec<_> = list.body["items"].as_array().unwrap().iter().map(|event| &event["name"]).collect();
    assert_eq!(names, ["first", "second", "last"]);
    assert_eq!(list.body["next_cursor"], serde_json::Value::Null);
}

#[tokio::test]
async fn pages_give_every_event_exactly_once() {
    let server = TestServer::start().await;
    let mut made = HashSet::new();
    for _ in 0..7 {
        made.insert(server.event(1).await);
    }
    let (mut seen, mut path, mut pages) = (HashSet::new(), "/events?limit=3".to_owned(), 0);
    loop {
        let page = server.get(&path).send().await;
        assert_eq!(page.status, 200, "{}", page.text);
        for event in page.body["items"].as_array().unwrap() {
            assert!(seen.insert(event["id"].as_str().unwrap().to_owned()), "twice: {event}");
        }
        pages += 1;
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("/events?limit=3&cursor={cursor}");
    }
    assert_eq!((pages, seen), (3, made));
}

#[tokio::test]
async fn a_list_with_a_limit_or_cursor_that_cannot_be_is_refused_by_name() {
    let server = TestServer::start().await;
    for query in
        ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=1&limit=2", "cursor=nonsense", "cursor=", "colour=red"]
    {
        let answer = server.get(&format!("/events?{query}")).send().await;
        answer.assert_problem(400, "invalid_request");
        let pointer = format!("/{}", query.split('=').next().unwrap());
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{}", answer.text);
    }
}

#[tokio::test]
async fn seats_of_a_hold_count_as_free_from_its_end_on_swept_or_not() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    server.hold(&event, "a@example.org").await;
    server.clock.advance(Duration::from_millis(299_999));
    assert_eq!(server.available(&event).await, 0);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(server.available(&event).await, 1);
    assert_eq!(server.get(&format!("/events/{event}")).send().await.body["available"], 1);
    assert_eq!(server.get("/events").send().await.body["items"][0]["available"], 1);
    assert_eq!(server.server().sweep().await.unwrap(), 1);
    assert_eq!(server.available(&event).await, 1);
}

#[tokio::test]
async fn head_answers_as_get_does_without_the_body() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    for path in ["/events".to_owned(), format!("/events/{event}"), format!("/events/{event}/availability")] {
        let (get, head) = (server.get(&path).send().await, server.call("HEAD", &path).send().await);
        assert_eq!((head.status, head.text.as_str()), (200, ""));
        assert_eq!(head.header("content-length"), get.text.len().to_string());
        assert_eq!(head.header("content-type"), "application/json");
        assert_eq!(head.header("etag"), get.header("etag"));
    }
    assert_eq!(server.call("HEAD", "/events/nothing").send().await.status, 404);
}
