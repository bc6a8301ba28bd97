//! Rules that change while people buy: nothing is dropped, and every request is served by one version.

use std::collections::BTreeSet;

use boxoffice::STANDARD_RULES;
use harness::swap::{Buyers, bad_modules, swap};
use harness::{Operator, TestServer, altered_rules, logged, token_file, under_another_digest, until, watched_id};
use serde_json::json;

/// What `make swap-demo` does a thousand times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_load_drop_nothing_and_bad_modules_change_nothing() {
    let token = token_file();
    let path = token.path().to_owned();
    let server = TestServer::builder().with(|s| s.operating.admin_token_file = Some(path)).start().await;
    let operator = Operator::of(&server);
    let other = operator.pushed(under_another_digest(STANDARD_RULES, "another")).await;
    let versions = ["standard".to_owned(), other];
    let event = server.event(100_000).await;
    let buyers = Buyers::start(server.address(), &event, 8);
    // Each kind of bad module once: one is offered before every tenth swap.
    let kinds = bad_modules().len();
    let swapped = swap(&operator, &versions, u32::try_from(kinds * 10).unwrap(), |_| {}).await;
    let seen = buyers.stop().await;
    assert_eq!(swapped.faults, Vec::<String>::new());
    assert_eq!(swapped.refused.values().sum::<u32>() as usize, kinds, "{:?}", swapped.refused);
    assert_eq!((seen.failed, seen.failures), (0, Vec::new()));
    assert!(seen.confirmed > 0 && seen.took.len() > kinds * 10, "people bought meanwhile: {}", seen.took.len());
}

#[tokio::test]
async fn a_request_in_flight_finishes_on_the_version_that_it_began_with() {
    let server = TestServer::start().await;
    let registry = server.server().registry();
    let altered = registry.upload(std::fs::read(altered_rules()).unwrap()).await.unwrap().digest;
    let body = json!({"name": "planted answer", "capacity": 5});
    let event = server.post("/events").role("organizer").json(&body).send().await.body["id"].clone();
    let event = event.as_str().unwrap();
    // Another program's lock holds the commit, and with it the request inside the guest.
    let gate = rusqlite::Connection::open(server.db()).unwrap();
    gate.execute_batch("BEGIN IMMEDIATE").unwrap();
    let id = watched_id();
    let held = tokio::spawn(server.register(event, "planted-500@example.org").header("x-request-id", &id).send());
    until("it is in flight", async || server.server().in_flight() == 1).await;
    let before = server.server().module().digest;
    registry.activate(&altered.to_string(), boxoffice::registry::Mode::All).await.unwrap();
    let answer = server.get(&format!("/events/{event}/availability")).send().await;
    assert_eq!(answer.body["planted"], true, "whoever comes now is served by the new one: {}", answer.text);
    gate.execute_batch("ROLLBACK").unwrap();
    // The new version would have answered 500.
    assert_eq!(held.await.unwrap().status, 201);
    let line = |line: &harness::LogLine| line.target == "access" && line.field("module") == before.short();
    until("its line is there", async || logged(&id).iter().any(line)).await;
}

#[tokio::test]
async fn a_canary_that_fails_some_is_taken_off_before_it_has_failed_many() {
    let server = TestServer::builder().with(|s| s.operating.canary_min_requests = 10).start().await;
    let registry = server.server().registry();
    let altered = registry.upload(std::fs::read(altered_rules()).unwrap()).await.unwrap().digest;
    let body = json!({"name": "planted trap", "capacity": 5});
    let event = server.post("/events").role("organizer").json(&body).send().await.body["id"].clone();
    let path = format!("/events/{}", event.as_str().unwrap());
    let share = boxoffice::registry::Share::percent(50.0).unwrap();
    registry.activate(&altered.to_string(), boxoffice::registry::Mode::Canary(share)).await.unwrap();
    let mut statuses = Vec::new();
    while registry.serving().canary.is_some() {
        assert!(statuses.len() < 1_000, "it is never taken off");
        statuses.push(server.get(&path).send().await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 500).count(), 10, "{statuses:?}");
    assert_eq!(statuses.iter().collect::<BTreeSet<_>>().len(), 2, "and the others were served: {statuses:?}");
    assert_eq!(server.get(&path).send().await.status, 200);
}
