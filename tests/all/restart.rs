//! What is still true after a restart.

use std::time::Duration;

use harness::TestServer;

#[tokio::test]
async fn a_restart_keeps_everything() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    let confirmed =
        server.register(&event, "a@example.org").key("k1").send().await.body["id"].as_str().unwrap().to_owned();
    server.post(&format!("/tickets/{confirmed}/confirm")).role("user").send().await;
    let held = server.hold(&event, "b@example.org").await;
    let cancelled = server.hold(&event, "c@example.org").await;
    server.post(&format!("/tickets/{cancelled}/cancel")).role("user").send().await;
    let before = server.get(&format!("/events/{event}")).send().await.body;

    let server = server.restart().await;
    assert_eq!(server.get(&format!("/events/{event}")).send().await.body, before);
    for (ticket, status) in [(&confirmed, "confirmed"), (&held, "reserved"), (&cancelled, "cancelled")] {
        let read = server.get(&format!("/tickets/{ticket}")).role("user").send().await;
        assert_eq!(read.body["status"], status);
    }
    let replay = server.register(&event, "a@example.org").key("k1").send().await;
    assert_eq!((replay.header("idempotency-replayed"), &replay.body["id"]), ("true", &confirmed.into()));
    assert_eq!(server.available(&event).await, 3);
}

#[tokio::test]
async fn a_hold_runs_out_at_its_time_also_across_a_restart() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    let ticket = server.hold(&event, "a@example.org").await;
    server.clock.advance(Duration::from_millis(299_999));
    let server = server.restart().await;
    assert_eq!(server.available(&event).await, 0);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(server.available(&event).await, 1);
    server.post(&format!("/tickets/{ticket}/confirm")).role("user").send().await.assert_problem(409, "hold_expired");
}
