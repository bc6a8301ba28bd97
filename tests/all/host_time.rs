//! Time inside host calls is not the guest's, and a client that goes away in the middle of one leaves nothing behind.

use std::sync::Arc;
use std::time::Duration;

use boxoffice::clock::Stopwatch;
use boxoffice::domain::{Actor, Principal, RegistrationLimits, Roles};
use boxoffice::load_rules;
use boxoffice::wasm::{Grants, GuestRequest, Occupancy, roles_for_guest};
use harness::{EmptyStore, TestServer, exact_rules, logged, settings, until, watched_id};
use rusqlite::Connection;

const BUDGET: Duration = Duration::from_millis(20);

/// Holds SQLite's write lock, so that the server's writer stands still.
fn gate(server: &TestServer) -> Connection {
    let gate = Connection::open(server.db()).expect("the database opens");
    gate.busy_timeout(Duration::from_secs(30)).expect("a timeout can be set");
    gate.execute_batch("BEGIN IMMEDIATE").expect("the lock is free in time");
    gate
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_innocent_guest_survives_a_commit_of_many_times_its_cpu_budget() {
    let server = TestServer::builder().own_engine().with(|s| s.limits.rules_cpu = BUDGET).start().await;
    let event = server.event(5).await;
    let gate = gate(&server);
    let id = watched_id();
    let waiting = tokio::spawn(server.register(&event, "a@example.org").header("x-request-id", &id).send());
    until("its guest runs", async || server.server().occupancy().permits == 1).await;
    // A hundred ticks of the epoch, and ten times the budget.
    tokio::time::sleep(BUDGET * 25).await;
    assert_eq!(server.server().occupancy().permits, 1, "it waits for the commit");
    gate.execute_batch("ROLLBACK").unwrap();
    assert_eq!(waiting.await.unwrap().status, 201);
    let lines = logged(&id);
    let micros = |name| lines.iter().find_map(|line| line.field(name).parse::<u128>().ok()).unwrap();
    assert!(micros("guest_us") < BUDGET.as_micros(), "{lines:?}");
    assert!(micros("store_us") > BUDGET.as_micros() * 20, "{lines:?}");
}

#[tokio::test]
async fn a_store_that_works_hard_is_not_the_guests_doing() {
    let mut settings = settings();
    settings.rules = Some(exact_rules().to_owned());
    settings.limits.rules_cpu = BUDGET;
    let rules = load_rules(&settings).await.unwrap();
    let request = GuestRequest {
        route_id: "calls".into(),
        params: Vec::new(),
        query: vec![("n".into(), "5".into())],
        headers: Vec::new(),
        body: Vec::new(),
        roles: roles_for_guest(Roles::NONE),
        request_id: "r".into(),
        now_ms: 1,
    };
    let limits = RegistrationLimits { hold: BUDGET, max_quantity: 1 };
    // Reads burn CPU time on the very thread that runs the guest.
    let busy = EmptyStore::that(|| {
        let watch = Stopwatch::start();
        while watch.elapsed() < BUDGET * 3 {
            std::hint::spin_loop();
        }
    });
    let grants = Grants { store: Arc::new(busy), actor: Actor::nowhere(Principal::default()), limits };
    let report = rules.handle(&request, grants, 1).await;
    assert!(report.result.is_ok(), "{:?}", report.result);
    assert_eq!(report.host_calls, 5);
    assert!(u128::from(report.guest_micros) < BUDGET.as_micros(), "{} us", report.guest_micros);
    assert!(u128::from(report.store_micros) >= BUDGET.as_micros() * 15, "{} us", report.store_micros);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_go_away_during_a_commit_leave_no_instance_no_permit_and_no_transaction() {
    let server = TestServer::builder().own_engine().with(|s| s.limits.max_instances = 32).start().await;
    let event = server.event(50).await;
    let gate = gate(&server);
    for round in 0..3 {
        let email = |n| format!("gone{round}-{n}@example.org");
        let calls: Vec<_> = (0..30).map(|n| tokio::spawn(server.register(&event, &email(n)).send())).collect();
        until("all of them wait for the commit", async || server.server().occupancy().permits == 30).await;
        calls.iter().for_each(tokio::task::JoinHandle::abort);
        // The commit has not happened: what they held is free before it does.
        until("nothing is held", async || {
            server.server().occupancy() == Occupancy::default() && server.server().in_flight() == 0
        })
        .await;
    }
    gate.execute_batch("ROLLBACK").unwrap();
    // Written as a whole or not at all; the writer goes on, and nobody else finds a transaction open.
    server.hold(&event, "late@example.org").await;
    gate.execute_batch("BEGIN IMMEDIATE; ROLLBACK").unwrap();
    let body = server.get(&format!("/events/{event}/availability")).send().await.body;
    let count = |name: &str| body[name].as_u64().unwrap();
    assert_eq!(count("available") + count("reserved"), 50);
    assert!(count("reserved") >= 1);
}
