//! A canary: the same callers always, nobody else, and off by itself when it does worse than the active module.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use boxoffice::domain::{OwnerId, Principal, Roles};
use boxoffice::registry::{Back, CanaryPolicy, CanaryWatch, Ending, Event, Mode, Reason, Refusal, Share, Version};
use boxoffice::wasm::Digest;
use futures_util::future::join_all;
use harness::{TestServer, logged, raw, unruly_rules, until, watched_id};

const MINUTE: Duration = Duration::from_mins(1);
const FINE: Ending = Ending::Answered { server_error: false };
const ERROR: Ending = Ending::Answered { server_error: true };
const QUICK: Duration = Duration::from_millis(1);

fn percent(percent: f64) -> Share {
    Share::percent(percent).unwrap()
}

/// Uploads the module that misbehaves.
async fn upload(server: &TestServer) -> Digest {
    let bytes = std::fs::read(unruly_rules()).unwrap();
    server.server().registry().upload(bytes).await.unwrap().digest
}

/// A server whose canary is the module that misbehaves, for so many percent of the callers.
async fn with_canary(percentage: f64) -> TestServer {
    let server = TestServer::builder().with(|s| s.operating.canary_min_requests = 5).start().await;
    let canary = upload(&server).await;
    let mode = Mode::Canary(percent(percentage));
    server.server().registry().activate(&canary.to_string(), mode).await.unwrap();
    server
}

fn address(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + n).into()
}

/// Whether the canary serves these callers now.
fn served_by_canary(server: &TestServer, principal: &Principal, addresses: impl Iterator<Item = IpAddr>) -> Vec<bool> {
    let registry = server.server().registry();
    let active = registry.serving().active.digest;
    addresses.map(|address| registry.choose(principal, address).module.digest != active).collect()
}

#[tokio::test]
async fn a_canary_serves_its_share_and_always_the_same_callers() {
    let server = with_canary(10.0).await;
    let nobody = Principal::default();
    let small = served_by_canary(&server, &nobody, (0..10_000).map(address));
    let count = small.iter().filter(|served| **served).count();
    // Five standard deviations around 1,000.
    assert!((850..1150).contains(&count), "{count} of 10,000");
    assert_eq!(small, served_by_canary(&server, &nobody, (0..10_000).map(address)), "the same callers");

    let registry = server.server().registry();
    let canary = registry.serving().canary.as_ref().unwrap().module.digest;
    registry.activate(&canary.to_string(), Mode::Canary(percent(30.0))).await.unwrap();
    let large = served_by_canary(&server, &nobody, (0..10_000).map(address));
    assert!(small.iter().zip(&large).all(|(small, large)| *large || !*small), "who is in, stays in");
    registry.activate(&canary.to_string(), Mode::Canary(percent(100.0))).await.unwrap();
    assert!(served_by_canary(&server, &nobody, (0..100).map(address)).iter().all(|served| *served));
}

#[tokio::test]
async fn a_known_caller_is_the_same_from_every_address_and_an_ipv6_network_is_one_caller() {
    let server = with_canary(50.0).await;
    let mut seen = Vec::new();
    for name in ["ada", "grace", "edsger", "barbara", "tony", "niklaus", "donald", "frances"] {
        let principal = Principal::known(OwnerId::new(name).unwrap(), Roles::NONE);
        let by_canary = served_by_canary(&server, &principal, (0..50).map(address));
        assert!(by_canary.iter().all(|one| *one == by_canary[0]), "{name}");
        seen.push(by_canary[0]);
    }
    assert!(seen.contains(&true) && seen.contains(&false), "some of them, and not all: {seen:?}");
    let network = |n: u128| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) + n));
    let by_canary = served_by_canary(&server, &Principal::default(), (0..50).map(network));
    assert!(by_canary.iter().all(|one| *one == by_canary[0]));
}

/// What the history says of the last step.
async fn last_step(server: &TestServer) -> (Event, Option<String>) {
    let step = server.server().registry().list().await.history.remove(0);
    (step.event, step.detail)
}

#[tokio::test]
async fn a_canary_that_traps_is_taken_off_and_the_history_says_why() {
    let server = with_canary(100.0).await;
    let bad = server.server().registry().serving().canary.as_ref().unwrap().module.digest;
    for _ in 0..4 {
        server.get("/trap").send().await.assert_problem(500, "rules_failed");
    }
    let id = watched_id();
    assert!(server.server().registry().serving().canary.is_some(), "four requests say nothing yet");
    server.get("/trap").header("x-request-id", &id).send().await.assert_problem(500, "rules_failed");
    assert!(server.server().registry().serving().canary.is_none());
    server.get("/trap").send().await.assert_problem(404, "route_not_found");
    until("it is kept", async || last_step(&server).await.0 == Event::CanaryRolledBack).await;
    assert_eq!(last_step(&server).await.1.as_deref(), Some("5 of 5 runs failed"));
    let registry = server.server().registry();
    let late = registry.roll_back(Back::Step).await;
    assert!(matches!(&late, Err(Refusal::CanaryHasEnded(id, _)) if *id == Version::Module(bad)), "{late:?}");
    assert_eq!(registry.roll_back(Back::Active).await, Err(Refusal::NothingBefore), "whoever means it may");
    let listing = server.server().registry().list().await;
    let state = |digest| listing.modules.iter().find(|listed| listed.id == Version::Module(digest)).unwrap().state;
    assert_eq!(state(bad), "checked");
    assert!(logged(&id).iter().any(|line| line.field("module") == bad.short()), "the line names the canary's digest");
}

#[tokio::test]
async fn a_canary_that_answers_5xx_is_taken_off() {
    let server = with_canary(100.0).await;
    for _ in 0..5 {
        assert_eq!(server.get("/bad-status?status=503").send().await.status, 503);
    }
    assert_eq!(server.get("/bad-status?status=503").send().await.status, 404);
    until("it is kept", async || last_step(&server).await.0 == Event::CanaryRolledBack).await;
    assert_eq!(last_step(&server).await.1.as_deref(), Some("5 of 5 answers were 5xx"));
}

#[tokio::test]
async fn a_canary_that_is_slow_is_taken_off_even_if_its_clients_do_not_wait() {
    let builder = TestServer::builder().real_time().with(|s| {
        (s.operating.canary_min_requests, s.operating.canary_max_p99) = (4, Duration::from_millis(20));
    });
    let server = builder.start().await;
    let canary = upload(&server).await.to_string();
    server.server().registry().activate(&canary, Mode::Canary(percent(100.0))).await.unwrap();
    assert_eq!(server.get("/sleep?ms=50").send().await.status, 200);
    assert_eq!(server.get("/sleep?ms=50").send().await.status, 200);
    for _ in 0..2 {
        let sleeping = tokio::spawn(server.get("/sleep?ms=30000").send());
        until("it is in flight", async || server.server().in_flight() > 0).await;
        // Longer than an answer may take; the request has begun before this.
        tokio::time::sleep(Duration::from_millis(21)).await;
        sleeping.abort();
        until("it is gone", async || server.server().in_flight() == 0).await;
    }
    assert!(server.server().registry().serving().canary.is_none());
    until("it is kept", async || last_step(&server).await.0 == Event::CanaryRolledBack).await;
    assert_eq!(last_step(&server).await.1.as_deref(), Some("4 of 4 answers took longer than 20ms, so its p99 did"));
}

#[tokio::test]
async fn clients_alone_cannot_take_a_canary_off() {
    let builder = TestServer::builder().real_time().with(|s| {
        (s.operating.canary_min_requests, s.operating.canary_max_p99) = (4, Duration::from_millis(20));
        s.body_timeout = Duration::from_millis(30);
    });
    let server = builder.start().await;
    let canary = upload(&server).await.to_string();
    server.server().registry().activate(&canary, Mode::Canary(percent(100.0))).await.unwrap();
    for _ in 0..6 {
        let head = "POST /create HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{";
        let late = raw(server.address(), head.as_bytes()).await;
        assert!(late.contains(" 408 "), "{late}");
        assert_eq!(server.get("/admin-only").send().await.status, 403);
        assert_eq!(server.get("/nowhere").send().await.status, 404);
    }
    let canary = server.server().registry().serving().canary.clone().expect("it serves on");
    assert_eq!(canary.requests(), (0, 0), "nothing of it ran");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_failures_at_once_take_it_off_once() {
    let server = with_canary(100.0).await;
    let answers = join_all((0..100).map(|_| server.get("/trap").send())).await;
    // Those that had begun finish on the canary; those after it are the active module's.
    assert!(answers.iter().all(|answer| matches!(answer.code(), "rules_failed" | "route_not_found")));
    until("it is kept", async || last_step(&server).await.0 == Event::CanaryRolledBack).await;
    let history = server.server().registry().list().await.history;
    assert_eq!(history.iter().filter(|step| step.event == Event::CanaryRolledBack).count(), 1);
}

#[tokio::test]
async fn a_request_in_flight_finishes_on_the_canary_that_it_began_with() {
    let server = with_canary(100.0).await;
    let slow = tokio::spawn(server.get("/sleep?ms=300").send());
    until("it is in flight", async || server.server().in_flight() > 0).await;
    server.server().registry().roll_back(Back::Step).await.unwrap();
    server.get("/sleep?ms=1").send().await.assert_problem(404, "route_not_found");
    assert_eq!(slow.await.unwrap().status, 200);
}

const POLICY: CanaryPolicy = CanaryPolicy {
    window: MINUTE,
    min_requests: 10,
    max_failed: 1.0,
    max_server_errors: 5.0,
    max_p99: Duration::from_secs(1),
};

/// Requests, one each second: by whom, how they ended, how long they took. Gives the last verdict.
fn watch(seen: impl IntoIterator<Item = (bool, Ending, Duration)>) -> Option<Reason> {
    let mut watch = CanaryWatch::new(POLICY);
    let seconds = (0..).map(Duration::from_secs);
    seen.into_iter().zip(seconds).map(|((by, ending, took), now)| watch.ended(by, ending, took, now)).last().flatten()
}

fn times(n: usize, one: (bool, Ending, Duration)) -> impl Iterator<Item = (bool, Ending, Duration)> {
    std::iter::repeat_n(one, n)
}

#[test]
fn what_both_versions_suffer_from_is_not_the_canarys_fault() {
    let both = |ending, took| times(20, (false, ending, took)).chain(times(20, (true, ending, took)));
    assert_eq!(watch(both(ERROR, QUICK)), None);
    assert_eq!(watch(both(FINE, Duration::from_secs(2))), None);
    assert_eq!(watch(both(Ending::NotItsFault, QUICK)), None);
    // A run that fails is, whatever the other one does.
    assert_eq!(watch(both(Ending::Failed, QUICK)), Some(Reason::Failed { failed: 20, of: 20 }));
    // Half of the active one's answers fail, and all of the canary's: that is worse.
    let half = times(10, (false, ERROR, QUICK)).chain(times(10, (false, FINE, QUICK)));
    assert!(matches!(watch(half.chain(times(20, (true, ERROR, QUICK)))), Some(Reason::ServerErrors { .. })));
    // One answer of the active module says nothing of what is usual.
    let one = times(1, (false, ERROR, QUICK)).chain(times(20, (true, ERROR, QUICK)));
    assert!(matches!(watch(one), Some(Reason::ServerErrors { errors: 20, of: 20 })));
    // Clients that go away at once neither harm a canary nor make it look better.
    let gone = |failed| times(50, (true, Ending::Abandoned, QUICK)).chain(times(failed, (true, Ending::Failed, QUICK)));
    assert_eq!(watch(gone(9)), None);
    assert_eq!(watch(gone(10)), Some(Reason::Failed { failed: 10, of: 10 }));
    // Only the active one fails: nothing to roll back.
    assert_eq!(watch(times(20, (false, Ending::Failed, QUICK)).chain(times(20, (true, FINE, QUICK)))), None);
}

#[test]
fn thresholds_are_exact() {
    let mixed =
        |bad: usize, ending, took| times(100 - bad, (true, FINE, QUICK)).chain(times(bad, (true, ending, took)));
    // A window as long as this has all of them.
    let judged = |seen: Vec<_>| {
        let mut watch = CanaryWatch::new(CanaryPolicy { window: Duration::from_hours(1), ..POLICY });
        seen.into_iter().map(|(by, ending, took)| watch.ended(by, ending, took, MINUTE)).last().flatten()
    };
    assert_eq!(judged(mixed(1, Ending::Failed, QUICK).collect()), None, "1 % may fail");
    assert!(matches!(judged(mixed(2, Ending::Failed, QUICK).collect()), Some(Reason::Failed { failed: 2, of: 100 })));
    assert_eq!(judged(mixed(5, ERROR, QUICK).collect()), None, "5 % may be 5xx");
    assert!(matches!(judged(mixed(6, ERROR, QUICK).collect()), Some(Reason::ServerErrors { errors: 6, of: 100 })));
    let (just, over) = (Duration::from_secs(1), Duration::from_millis(1001));
    assert_eq!(judged(mixed(50, FINE, just).collect()), None, "as long as the limit is within it");
    assert_eq!(judged(mixed(1, FINE, over).collect()), None, "one in a hundred is p99");
    assert!(matches!(judged(mixed(2, FINE, over).collect()), Some(Reason::Slow { slow: 2, of: 100, .. })));
    assert_eq!(judged(times(9, (true, Ending::Failed, QUICK)).collect()), None, "nine say nothing");
}

#[test]
fn what_is_older_than_the_window_is_forgotten() {
    let mut watch = CanaryWatch::new(POLICY);
    for _ in 0..9 {
        assert_eq!(watch.ended(true, Ending::Failed, QUICK, MINUTE), None);
    }
    // A minute later nothing of it is left, so nine more say nothing either; the tenth does.
    for _ in 0..9 {
        assert_eq!(watch.ended(true, Ending::Failed, QUICK, 2 * MINUTE), None);
    }
    assert_eq!(watch.requests(), (9, 0));
    let said = watch.ended(true, Ending::Failed, QUICK, 2 * MINUTE + Duration::from_secs(50));
    assert_eq!(said, Some(Reason::Failed { failed: 10, of: 10 }));
    let far = Duration::from_hours(24 * 365);
    assert_eq!(watch.ended(true, FINE, QUICK, far), None);
    assert_eq!(watch.requests(), (1, 0));
}

#[test]
fn a_share_is_a_hundredth_of_a_percent_to_all() {
    for good in [0.01, 0.5, 5.0, 99.99, 100.0] {
        assert!((Share::percent(good).unwrap().as_percent() - good).abs() < 1e-9, "{good}");
    }
    for bad in [0.0, 0.001, 0.0099, -1.0, 100.004, 100.01, 101.0, f64::NAN, f64::INFINITY, 1e300] {
        assert!(Share::percent(bad).unwrap_err().contains("0.01 to 100"), "{bad}");
    }
}
