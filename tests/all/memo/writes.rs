//! Whatever changes what is read lets go of what is kept, and nothing else does.

use std::time::Duration;

use boxoffice::store::sqlite::{CommitFault, Faults};
use harness::{Answer, Call, TestServer};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{ask, is_kept};

/// Reads an event until it is kept; then does this, and reads it again. Gives the event as it is told then, and whether that was kept.
async fn after(server: &TestServer, event: &str, change: impl AsyncFnOnce()) -> (Value, bool) {
    let get = || server.get(&format!("/events/{event}"));
    get().send().await;
    assert!(is_kept(get()).await);
    change().await;
    let (told, kept) = ask(get()).await;
    // A condition makes the rules run: this is what there is.
    let truth = get().header("if-none-match", "\"x\"").send().await;
    assert_eq!((told.status, &told.body), (200, &truth.body));
    (told.body, kept)
}

async fn done(call: Call, status: u16) -> Answer {
    let answer = call.send().await;
    assert_eq!(answer.status, status, "{}", answer.text);
    answer
}

fn free(event: &Value) -> u64 {
    event["available"].as_u64().expect("a number")
}

async fn refused(call: Call) {
    let answer = call.send().await;
    assert!((400..500).contains(&answer.status), "{}", answer.text);
}

#[tokio::test]
async fn every_write_is_seen_by_the_next_read() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    let mut ticket = String::new();
    let register = async || ticket = server.hold(&event, "a@example.org").await;
    let (told, kept) = after(&server, &event, register).await;
    assert_eq!((free(&told), kept), (4, false));
    let act = |action: &str| server.post(&format!("/tickets/{ticket}/{action}")).role("user");
    let (told, kept) = after(&server, &event, async || drop(done(act("confirm"), 200).await)).await;
    assert_eq!((free(&told), kept), (4, false));
    let (told, kept) = after(&server, &event, async || drop(done(act("cancel"), 200).await)).await;
    assert_eq!((free(&told), kept), (5, false));
    let patch = server.call("PATCH", &format!("/events/{event}")).role("organizer").json(&json!({"capacity": 7}));
    let (told, kept) = after(&server, &event, async || drop(done(patch, 200).await)).await;
    assert_eq!((free(&told), kept), (7, false));

    let count = async || ask(server.get("/events")).await;
    assert_eq!((count().await.1, count().await.1), (false, true));
    server.event(1).await;
    let (list, kept) = count().await;
    assert_eq!((list.body["items"].as_array().map(Vec::len), kept), (Some(2), false));
}

#[tokio::test]
async fn what_changes_nothing_leaves_what_is_kept() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    let register = |email: &str| server.register(&event, email).key("k");
    done(register("a@example.org"), 201).await;
    let patch = |body: Value| server.call("PATCH", &format!("/events/{event}")).role("organizer").json(&body);
    let sweep = async || assert_eq!(server.server().sweep().await, Ok(0));
    assert!(after(&server, &event, async || drop(done(register("a@example.org"), 201).await)).await.1, "a replay");
    assert!(after(&server, &event, async || refused(register("b@example.org")).await).await.1, "a key reused");
    let sold_out = || server.register(&event, "b@example.org");
    assert!(after(&server, &event, async || refused(sold_out()).await).await.1, "sold out");
    assert!(after(&server, &event, async || refused(patch(json!({"capacity": 0}))).await).await.1, "refused");
    assert!(after(&server, &event, async || drop(done(patch(json!({})), 200).await)).await.1, "an empty patch");
    assert!(after(&server, &event, sweep).await.1, "a sweep that finds nothing");
    let unknown = || server.post("/tickets/none/cancel").role("user");
    assert!(after(&server, &event, async || refused(unknown()).await).await.1, "no such ticket");
}

#[tokio::test]
async fn a_hold_that_runs_out_frees_its_seat_for_readers_at_its_instant() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    for n in 0..3 {
        let hold = done(server.register(&event, &format!("c{n}@example.org")), 201).await;
        assert!(hold.body["expires_at"].is_string());
        server.clock.advance(Duration::from_secs(10));
    }
    let path = format!("/events/{event}");
    let available = async || {
        let (answer, kept) = ask(server.get(&path)).await;
        (answer.body["available"].as_u64().expect("a number"), kept)
    };
    assert_eq!([available().await, available().await], [(2, false), (2, true)]);
    for (n, free) in [(0, 3), (1, 4), (2, 5)] {
        let end = harness::START.plus(Duration::from_secs(300 + 10 * n));
        server.clock.set(boxoffice::domain::Millis(end.0 - 1));
        assert_eq!(available().await, (free - 1, true), "one millisecond before");
        server.clock.set(end);
        assert_eq!([available().await, available().await], [(free, false), (free, true)]);
    }
    server.clock.advance(Duration::from_hours(24));
    assert_eq!(available().await, (5, true), "nothing runs out any more");
    // The sweep says the same in other words: seats that counted as free are free.
    assert_eq!(server.server().sweep().await, Ok(3));
    assert_eq!([available().await, available().await], [(5, false), (5, true)]);
}

#[tokio::test]
async fn a_clock_that_goes_back_is_told_what_was_then() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    server.hold(&event, "a@example.org").await;
    let path = format!("/events/{event}");
    server.clock.advance(Duration::from_mins(5));
    assert_eq!(server.get(&path).send().await.body["available"], 5);
    server.clock.set(harness::START);
    let (answer, kept) = ask(server.get(&path)).await;
    assert_eq!((&answer.body["available"], kept), (&json!(4), false));
}

#[tokio::test]
async fn a_commit_that_came_to_nothing_leaves_a_memo_that_works() {
    let faults = Faults::default();
    let server = TestServer::builder().store(|options| options.faults = faults.clone()).start().await;
    let event = server.event(5).await;
    let full = async || {
        faults.fail_commit(1, CommitFault::DiskFull);
        done(server.register(&event, "a@example.org"), 503).await;
    };
    let (told, _) = after(&server, &event, full).await;
    assert_eq!(free(&told), 5);
    let register = async || drop(server.hold(&event, "a@example.org").await);
    let (told, kept) = after(&server, &event, register).await;
    assert_eq!((free(&told), kept), (4, false));
}

#[tokio::test]
async fn after_a_commit_of_unknown_outcome_nothing_is_kept_any_more() {
    for fault in [CommitFault::SyncLost, CommitFault::SyncKept] {
        let faults = Faults::default();
        let server = TestServer::builder().store(|options| options.faults = faults.clone()).start().await;
        let event = server.event(5).await;
        let path = format!("/events/{event}");
        assert!(!is_kept(server.get(&path)).await && is_kept(server.get(&path)).await);
        faults.fail_commit(1, fault);
        done(server.register(&event, "a@example.org"), 503).await;
        for _ in 0..3 {
            let (answer, kept) = ask(server.get(&path)).await;
            let truth = server.get(&path).header("if-none-match", "\"x\"").send().await;
            assert_eq!((answer.text, kept), (truth.text, false), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn what_another_program_writes_is_seen_with_the_next_sweep_at_the_latest() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    let path = format!("/events/{event}");
    assert!(!is_kept(server.get(&path)).await && is_kept(server.get(&path)).await);
    let operator = Connection::open(server.db()).expect("it can be opened");
    operator.busy_timeout(Duration::from_secs(5)).expect("a pragma");
    let renamed = operator.execute("UPDATE events SET name = 'By hand' WHERE id = ?1", [&event]);
    assert_eq!(renamed, Ok(1));
    assert_eq!(server.server().sweep().await, Ok(0));
    let (answer, kept) = ask(server.get(&path)).await;
    assert_eq!((&answer.body["name"], kept), (&json!("By hand"), false));
    assert!(is_kept(server.get(&path)).await);
}
