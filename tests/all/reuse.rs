//! Instances that serve more than one request: faster, and nothing goes from one request to the next but what the module remembers.

use std::sync::Arc;
use std::time::Duration;

use boxoffice::config::Serve;
use boxoffice::domain::{Actor, Principal, RegistrationLimits, Roles};
use boxoffice::load_rules;
use boxoffice::store::Store;
use boxoffice::wasm::{Engine, Grants, GuestRequest, Loader, Module, Report, roles_for_guest};
use harness::{TestServer, settings, unruly_rules, until};

const MINUTE: Duration = Duration::from_mins(1);

/// With instances that serve three requests each, and limits that no slow machine reaches.
async fn reusing(change: impl FnOnce(&mut Serve)) -> TestServer {
    let builder = TestServer::builder().rules(unruly_rules()).with(|s| {
        (s.limits.rules_cpu, s.limits.rules_timeout, s.limits.instance_reuse) = (MINUTE, MINUTE, 3);
    });
    builder.with(change).start().await
}

async fn remembered(server: &TestServer) -> String {
    server.get("/remember").send().await.text
}

#[tokio::test]
async fn an_instance_serves_as_many_requests_as_it_may() {
    let server = reusing(|_| {}).await;
    for count in ["1", "2", "3", "1", "2", "3"] {
        assert_eq!(remembered(&server).await, count);
    }
}

#[tokio::test]
async fn an_instance_that_failed_serves_nobody_any_more() {
    let server = reusing(|s| s.limits.rules_timeout = Duration::from_millis(300)).await;
    for (path, status) in [("/trap", 500), ("/bad-header", 500), ("/grow", 500), ("/sleep?ms=60000", 504)] {
        assert_eq!(remembered(&server).await, "1");
        assert_eq!(server.get(path).send().await.status, status, "{path}");
    }
    assert_eq!(remembered(&server).await, "1");
}

#[tokio::test]
async fn a_client_that_goes_away_takes_the_instance_along() {
    let server = reusing(|s| s.limits.max_instances = 2).await;
    for _ in 0..10 {
        assert_eq!(remembered(&server).await, "1");
        let sleeping = tokio::spawn(server.get("/sleep?ms=30000").send());
        until("it is in flight", async || server.server().in_flight() > 0).await;
        sleeping.abort();
        until("it is gone", async || server.server().in_flight() == 0).await;
    }
}

#[tokio::test]
async fn every_request_has_its_own_time() {
    let server = reusing(|s| s.limits.instance_reuse = 5).await;
    assert_eq!(remembered(&server).await, "1");
    for seconds in 0..3 {
        let now = harness::START.plus(Duration::from_secs(seconds));
        server.clock.set(now);
        assert_eq!(server.get("/clocks").send().await.text, format!("{} [] []", now.0));
    }
    assert_eq!(remembered(&server).await, "2", "it was one instance that saw all three times");
}

#[tokio::test]
async fn the_caller_before_lends_no_role() {
    let server = reusing(|s| s.limits.instance_reuse = 5).await;
    assert_eq!(remembered(&server).await, "1");
    for (role, may) in [("organizer", true), ("", false), ("organizer", true)] {
        let created = server.post("/create").role(role).send().await.text;
        let (ok, denied) = (created.contains("Ok("), created.contains("AccessDenied"));
        assert_eq!((ok, denied), (may, !may), "{role}: {created}");
    }
    assert_eq!(remembered(&server).await, "2", "it was one instance that served all three callers");
}

#[tokio::test]
async fn every_request_has_quotas_of_its_own() {
    let server = reusing(|s| (s.limits.instance_reuse, s.limits.rules_host_calls) = (5, 1)).await;
    assert_eq!(remembered(&server).await, "1");
    for _ in 0..3 {
        let created = server.post("/create").role("organizer").send().await.text;
        assert!(created.contains("Ok("), "{created}");
    }
    assert_eq!(remembered(&server).await, "2", "it was one instance that made all three calls");
}

#[tokio::test]
async fn what_an_instance_said_before_is_not_told_of_the_next_request() {
    let (server, rules) = direct().await;
    let before = run(&server, &rules, "chatter").await;
    assert!(before.result.is_ok(), "{before:?}");
    let failed = format!("{:?}", run(&server, &rules, "trap").await.result);
    assert!(failed.contains("trapped as asked") && !failed.contains("xxx"), "{failed}");
}

#[tokio::test]
async fn the_cpu_time_of_a_request_starts_at_nothing() {
    let (server, rules) = direct().await;
    let talked = run(&server, &rules, "chatter").await;
    let asked = run(&server, &rules, "remember").await;
    assert!(asked.guest_micros < talked.guest_micros, "{asked:?} after {talked:?}");
}

#[tokio::test]
async fn requests_at_the_same_time_never_share_an_instance() {
    let server = reusing(|_| {}).await;
    assert_eq!(remembered(&server).await, "1");
    let sleeping = tokio::spawn(server.get("/sleep?ms=30000").send());
    until("it is in flight", async || server.server().in_flight() > 0).await;
    assert_eq!(remembered(&server).await, "1", "the one that knows better is asleep");
    assert_eq!(remembered(&server).await, "2");
    sleeping.abort();
}

#[tokio::test]
async fn instances_that_wait_leave_room_for_another_module() {
    let server = TestServer::start().await;
    let mut settings = settings();
    (settings.limits.instance_reuse, settings.limits.max_instances) = (3, 1);
    let engine = Arc::new(Engine::new(settings.limits.limits()).unwrap());
    let loader = Loader::new(engine, settings.compiling.compiler());
    let bytes = std::fs::read(unruly_rules()).unwrap();
    // An empty custom section more: another digest, and the same in all else.
    let other = [bytes.as_slice(), &[0, 2, 1, b'x']].concat();
    let first = loader.load(bytes).await.unwrap();
    assert_eq!(body(run(&server, &first, "remember").await), "1");
    let second = loader.load(other).await.unwrap();
    for module in [&second, &first, &second] {
        assert_eq!(body(run(&server, module, "remember").await), "1", "the other module's instance made room");
    }
    assert_eq!(body(run(&server, &second, "remember").await), "2");
    drop(second);
    assert_eq!(body(run(&server, &first, "remember").await), "1");
}

/// The module that misbehaves without HTTP before it, and a server whose store it uses.
async fn direct() -> (TestServer, Module) {
    let mut settings = settings();
    settings.rules = Some(unruly_rules().to_owned());
    (settings.limits.rules_cpu, settings.limits.rules_timeout, settings.limits.instance_reuse) = (MINUTE, MINUTE, 3);
    (TestServer::start().await, load_rules(&settings).await.expect("the rules load"))
}

async fn run(server: &TestServer, rules: &Module, route: &str) -> Report {
    let grants = Grants {
        store: Arc::clone(server.server().store()) as Arc<dyn Store>,
        actor: Actor::nowhere(Principal::default()),
        limits: RegistrationLimits { hold: MINUTE, max_quantity: 1 },
    };
    let request = GuestRequest {
        route_id: route.to_owned(),
        params: Vec::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        roles: roles_for_guest(Roles::NONE),
        request_id: "r".to_owned(),
        now_ms: 1,
    };
    rules.handle(&request, grants, 1).await
}

fn body(report: Report) -> String {
    String::from_utf8(report.result.expect("an answer").body.into()).expect("text")
}
