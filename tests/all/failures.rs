//! When the host cannot: a failed commit, a full disk, a full queue, a full table, a panic. Named, told when to come back, and survived.

use boxoffice::config::RateSetting;
use boxoffice::limiter::RateLimit;
use boxoffice::store::sqlite::{CommitFault, Faults};
use futures_util::future::join_all;
use harness::{TestServer, fresh_address};
use rusqlite::Connection;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_is_outcome_unknown_and_the_same_key_resolves_it_to_one_ticket() {
    for fault in [CommitFault::SyncLost, CommitFault::SyncKept] {
        let faults = Faults::default();
        let server = TestServer::builder().store(|options| options.faults = faults.clone()).start().await;
        let event = server.event(5).await;
        faults.fail_commit(1, fault);
        let unknown = server.register(&event, "a@example.org").key("k1").send().await;
        unknown.assert_problem(503, "outcome_unknown");
        assert_eq!(unknown.header("retry-after"), "5");
        assert!(!server.server().failed().await.is_empty(), "the process is told to end");
        // Nothing is written any more, and reads go on.
        assert_eq!(server.register(&event, "b@example.org").send().await.status, 503);
        assert_eq!(server.get(&format!("/events/{event}")).send().await.status, 200);

        let server = server.restart().await;
        let resolved = server.register(&event, "a@example.org").key("k1").send().await;
        let replayed = fault == CommitFault::SyncKept;
        assert_eq!((resolved.status, resolved.header("idempotency-replayed") == "true"), (201, replayed));
        assert_eq!(server.available(&event).await, 4);
    }
}

#[tokio::test]
async fn a_full_disk_is_overloaded_and_passes() {
    let faults = Faults::default();
    let server = TestServer::builder().store(|options| options.faults = faults.clone()).start().await;
    let event = server.event(5).await;
    faults.fail_commit(1, CommitFault::DiskFull);
    let refused = server.register(&event, "a@example.org").send().await;
    refused.assert_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(server.available(&event).await, 5, "reads go on, and nothing was written");
    server.hold(&event, "a@example.org").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_internal_for_one_request_and_nothing_for_all_others() {
    let server = TestServer::builder().store(|options| options.faults = Faults::panicking()).start().await;
    let event = server.event(50).await;
    let panics = join_all((0..5).map(|_| server.register(&event, "panic@example.org").send()));
    let fine = join_all((0..40).map(|n| server.register(&event, &format!("c{n}@example.org")).send()));
    let (panics, fine) = tokio::join!(panics, fine);
    for answer in panics {
        answer.assert_problem(500, "internal");
        assert!(!answer.text.contains("panic"), "the client learns nothing of the inside: {}", answer.text);
    }
    assert!(fine.iter().all(|answer| answer.status == 201));
    assert_eq!(server.available(&event).await, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_overloaded_and_passes() {
    let server = TestServer::builder().store(|options| options.queue = 1).start().await;
    let event = server.event(50).await;
    // Another program holds the lock, so that the writer stands still with one job in hand and one in the queue.
    let gate = Connection::open(server.db()).unwrap();
    gate.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    gate.execute_batch("BEGIN IMMEDIATE").unwrap();
    let calls: Vec<_> =
        (0..10).map(|n| tokio::spawn(server.register(&event, &format!("c{n}@example.org")).send())).collect();
    let mut refused = 0;
    for (n, call) in calls.into_iter().enumerate() {
        if n == 9 {
            gate.execute_batch("ROLLBACK").unwrap();
        }
        let answer = call.await.unwrap();
        if answer.status != 201 {
            answer.assert_problem(503, "overloaded");
            assert_eq!(answer.header("retry-after"), "1");
            refused += 1;
        }
    }
    assert!(refused >= 7, "two have a place, the last may have one too: {refused} of 10 refused");
    server.hold(&event, "late@example.org").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_table_of_addresses_refuses_strangers_and_knows_its_own() {
    // A thousand requests each leave room for 2,000 addresses.
    let limit = RateLimit { requests: 1_000, window: std::time::Duration::from_secs(10) };
    let server = TestServer::builder().with(|s| s.rate_limit = RateSetting(Some(limit))).start().await;
    let known = fresh_address();
    assert_eq!(server.get("/nothing").from(known).send().await.status, 404);
    for _ in 0..20 {
        let strangers = join_all((0..100).map(|_| server.get("/nothing").send())).await;
        assert!(strangers.iter().all(|answer| matches!(answer.status, 404 | 503)));
    }
    let refused = server.get("/nothing").send().await;
    refused.assert_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(server.get("/nothing").from(known).send().await.status, 404);
    server.clock.advance(std::time::Duration::from_secs(10));
    assert_eq!(server.get("/nothing").send().await.status, 404);
}
