//! Answers that are kept: given again without a run, never older than what somebody has seen, and never to whom they are not for.

mod fit;
mod histories;
mod mutants;
mod races;
mod secrets;
mod versions;
mod writes;

use harness::{Answer, Call, TestServer, logged, unruly_rules, watched_id};

/// A request, and whether it was answered with what was kept. Then no guest has run, says the access log.
async fn ask(call: Call) -> (Answer, bool) {
    let id = watched_id();
    let answer = call.header("x-request-id", &id).send().await;
    let lines = logged(&id);
    let line = lines.iter().find(|line| line.target == "access").expect("each request has a line");
    let kept = line.field("memo") == "true";
    if kept {
        assert_eq!((line.field("guest_us"), line.field("host_calls")), ("0", "0"), "{line:?}");
    } else {
        assert_eq!(line.field("memo"), "", "{line:?}");
    }
    (answer, kept)
}

/// Whether this is answered with what was kept.
async fn is_kept(call: Call) -> bool {
    ask(call).await.1
}

/// The module that misbehaves: some of its routes say that their answers may be kept, and answer with the id of the request that they saw.
async fn unruly() -> TestServer {
    TestServer::builder().rules(unruly_rules()).start().await
}

#[tokio::test]
async fn the_second_of_two_requests_is_answered_without_a_run() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    for path in ["/events".to_owned(), format!("/events/{event}"), "/events?limit=1&q=event".to_owned()] {
        let (first, kept) = ask(server.get(&path)).await;
        assert_eq!((first.status, kept), (200, false), "{path}");
        let (second, kept) = ask(server.get(&path)).await;
        assert!(kept, "{path}");
        assert_eq!((second.status, &second.text), (200, &first.text), "{path}");
        for name in ["content-type", "etag", "cache-control", "link", "vary", "x-content-type-options", "ratelimit"] {
            assert_eq!(second.header(name), first.header(name), "{path} {name}");
        }
        assert_ne!(second.header("x-request-id"), first.header("x-request-id"), "what is the host's is not kept");
    }
}

#[tokio::test]
async fn head_is_answered_with_what_get_has_left_and_the_other_way_round() {
    let server = TestServer::start().await;
    server.event(5).await;
    let (got, _) = ask(server.get("/events")).await;
    let (head, kept) = ask(server.call("HEAD", "/events")).await;
    assert!(kept);
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), got.text.len().to_string());
    let (head, kept) = ask(server.call("HEAD", "/events?limit=2")).await;
    assert_eq!((head.status, kept), (200, false));
    let (got, kept) = ask(server.get("/events?limit=2")).await;
    assert!(kept && got.body["items"].is_array(), "{}", got.text);
}

#[tokio::test]
async fn what_is_not_cacheable_runs_always() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    let ticket = server.hold(&event, "a@example.org").await;
    for path in [format!("/events/{event}/availability"), format!("/tickets/{ticket}")] {
        for _ in 0..3 {
            assert!(!is_kept(server.get(&path).role("user")).await, "{path}");
        }
    }
}

#[tokio::test]
async fn the_limiter_counts_requests_that_are_answered_with_what_was_kept() {
    let server = TestServer::start().await;
    server.event(1).await;
    let one = harness::fresh_address();
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(server.get("/events").from(one).send().await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
}

#[tokio::test]
async fn hits_and_misses_are_counted_and_what_is_kept_is_told() {
    let server = TestServer::start().await;
    server.event(1).await;
    for _ in 0..4 {
        server.get("/events").send().await;
    }
    server.get("/events").header("if-none-match", "\"x\"").send().await;
    let told = harness::Exposition::parse(&server.metrics().await);
    let sum = |name| told.sum(name, &[]);
    assert_eq!((sum("boxoffice_memo_hits_total"), sum("boxoffice_memo_misses_total")), (Some(3.0), Some(1.0)));
    assert_eq!(sum("boxoffice_memo_answers"), Some(1.0));
    assert!(sum("boxoffice_memo_bytes") > Some(100.0));
    assert_eq!(told.sum("boxoffice_requests_total", &[("route", "list-events")]), Some(5.0), "all are requests");
}
