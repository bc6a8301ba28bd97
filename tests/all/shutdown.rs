//! The end of a server: what is in flight has its time, what comes is turned away, and nothing acknowledged is lost.

use std::time::Duration;

use harness::{Call, TestServer, unruly_rules};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn until_in_flight(server: &TestServer, requests: usize) {
    while server.server().in_flight() != requests {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_in_flight_is_answered_and_new_ones_are_turned_away() {
    let server = TestServer::builder().rules(unruly_rules()).start().await;
    let (address, admin) = (server.address(), server.admin_address());
    // A connection that is open and idle when the end begins.
    let mut idle = server.get("/fine").connect().await.unwrap();
    idle.write_all(b"GET /fine HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut seen = [0; 512];
    let read = idle.read(&mut seen).await.unwrap();
    assert!(seen[..read].starts_with(b"HTTP/1.1 200 "));
    let in_flight = tokio::spawn(server.get("/sleep?ms=1000").send());
    until_in_flight(&server, 1).await;

    let stopping = tokio::spawn(server.stop());
    while Call::new(admin, "GET", "/readyz").send().await.status == 200 {
        tokio::task::yield_now().await;
    }
    idle.write_all(b"GET /fine HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut refused = String::new();
    idle.read_to_string(&mut refused).await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("\"shutting_down\""), "{refused}");
    assert!(refused.contains("retry-after: ") && refused.contains("connection: close"), "{refused}");
    assert!(Call::new(address, "GET", "/fine").connect().await.is_err(), "nobody new is accepted");

    assert_eq!(in_flight.await.unwrap().status, 200);
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_outlasts_the_grace_is_ended() {
    let builder = TestServer::builder().rules(unruly_rules());
    let server = builder
        .with(|s| (s.grace, s.rules_timeout) = (Duration::from_millis(100), Duration::from_mins(1)))
        .start()
        .await;
    let call = server.get("/sleep?ms=60000");
    let stream = call.connect().await.unwrap();
    let in_flight = tokio::spawn(call.send_over(stream));
    until_in_flight(&server, 1).await;
    server.stop().await;
    assert!(in_flight.await.unwrap().is_err(), "its connection was closed without an answer");
}

#[tokio::test]
async fn an_idle_server_stops_at_once() {
    let server = TestServer::builder().with(|s| s.grace = Duration::from_hours(1)).start().await;
    // Open, with nothing in flight: not worth waiting for.
    let idle = server.get("/events").connect().await.unwrap();
    server.stop().await;
    drop(idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_the_end_is_there_afterwards() {
    let server = TestServer::builder().with(|s| s.grace = Duration::ZERO).start().await;
    let event = server.event(1_000).await;
    let calls: Vec<_> = (0..100)
        .map(|n| {
            let call = server.register(&event, &format!("c{n}@example.org"));
            tokio::spawn(async move {
                let stream = call.connect().await.ok()?;
                call.send_over(stream).await.ok().filter(|answer| answer.status == 201)
            })
        })
        .collect();
    until_some_are_acknowledged(&server, &event).await;
    let dir = server.stop().await;
    let again = TestServer::builder().database_of(dir).start().await;
    let mut acknowledged = 0;
    for call in calls {
        let Some(answer) = call.await.unwrap() else { continue };
        acknowledged += 1;
        let path = format!("/tickets/{}", answer.body["id"].as_str().unwrap());
        assert_eq!(again.get(&path).role("user").send().await.status, 200, "acknowledged and lost");
    }
    assert!(acknowledged > 0, "it was a race with at least one acknowledged registration");
}

async fn until_some_are_acknowledged(server: &TestServer, event: &str) {
    while server.available(event).await == 1_000 {
        tokio::task::yield_now().await;
    }
}
