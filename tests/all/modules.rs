//! Modules that misbehave: their own answers are wrong, and nobody else's.

use std::sync::Arc;
use std::time::Duration;

use boxoffice::domain::{Actor, Principal, RegistrationLimits, Roles};
use boxoffice::load_rules;
use boxoffice::store::Store;
use boxoffice::wasm::{Cause, Grants, GuestRequest, Module, RunError, roles_for_guest};
use futures_util::future::join_all;
use harness::{TestServer, logged, settings, unruly_rules, until, watched_id};

const MINUTE: Duration = Duration::from_mins(1);

/// With limits that only a guest that never ends reaches, however slow the machine.
async fn unruly() -> TestServer {
    let builder = TestServer::builder().rules(unruly_rules());
    builder.with(|s| (s.limits.rules_cpu, s.limits.rules_timeout) = (MINUTE, MINUTE)).start().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_traps_gets_500_while_others_are_served() {
    let server = unruly().await;
    let traps = join_all((0..20).map(|_| server.get("/trap").send()));
    let fine = join_all((0..50).map(|_| server.get("/fine").send()));
    let (traps, fine) = tokio::join!(traps, fine);
    for answer in traps {
        answer.assert_problem(500, "rules_failed");
        assert!(!answer.text.contains("trapped as asked"), "the client learns nothing of the inside: {}", answer.text);
    }
    assert!(fine.iter().all(|answer| (answer.status, answer.text.as_str()) == (200, "fine")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_that_never_end_are_stopped_and_delay_nobody() {
    let builder = TestServer::builder().rules(unruly_rules());
    let server = builder
        .with(|s| (s.limits.rules_cpu, s.limits.rules_timeout) = (Duration::from_millis(100), MINUTE))
        .start()
        .await;
    let spins = join_all((0..4).map(|_| server.get("/spin").send()));
    let fine = join_all((0..50).map(|_| server.get("/fine").send()));
    let (spins, fine) = tokio::join!(spins, fine);
    for answer in spins {
        answer.assert_problem(504, "rules_timeout");
    }
    assert!(fine.iter().all(|answer| answer.status == 200));
}

#[tokio::test]
async fn waiting_is_not_cpu_time_and_still_ends() {
    let limits = |cpu, timeout| {
        TestServer::builder()
            .rules(unruly_rules())
            .with(move |s| (s.limits.rules_cpu, s.limits.rules_timeout) = (cpu, timeout))
    };
    let patient = limits(Duration::from_millis(200), MINUTE).start().await;
    assert_eq!(patient.get("/sleep?ms=1000").send().await.status, 200, "five times the CPU budget, spent waiting");
    let impatient = limits(MINUTE, Duration::from_millis(200)).start().await;
    impatient.get("/sleep?ms=60000").send().await.assert_problem(504, "rules_timeout");
}

#[tokio::test]
async fn guests_that_want_too_much_memory_or_stack_fail_alone() {
    let server = unruly().await;
    for path in ["/grow", "/recurse"] {
        server.get(path).send().await.assert_problem(500, "rules_failed");
        assert_eq!(server.get("/fine").send().await.status, 200);
    }
}

#[tokio::test]
async fn answers_outside_the_contract_are_rules_failed() {
    let server = unruly().await;
    for path in ["/big-answer", "/bad-header", "/steal-header", "/bad-status?status=0", "/bad-status?status=101"] {
        server.get(path).send().await.assert_problem(500, "rules_failed");
    }
    server.get("/bad-status?status=600").send().await.assert_problem(500, "rules_failed");
    server.get("/bad-status?status=199").send().await.assert_problem(500, "rules_failed");
    for status in [200, 418, 599] {
        assert_eq!(server.get(&format!("/bad-status?status={status}")).send().await.status, status);
    }
}

#[tokio::test]
async fn a_guest_that_talks_without_end_is_cut_short_and_lives() {
    let server = unruly().await;
    for path in ["/flood-log", "/chatter"] {
        assert_eq!(server.get(path).send().await.status, 200);
    }
}

/// Runs one route of the module that misbehaves, and gives what the host makes of it.
async fn cause_of(server: &TestServer, rules: &Module, route: &str) -> Cause {
    let grants = Grants {
        store: Arc::clone(server.server().store()) as Arc<dyn Store>,
        actor: Actor::nowhere(Principal::default()),
        limits: RegistrationLimits { hold: MINUTE, max_quantity: 1 },
    };
    let request = GuestRequest {
        route_id: route.to_owned(),
        params: Vec::new(),
        query: vec![("ms".into(), "60000".into())],
        headers: Vec::new(),
        body: Vec::new(),
        roles: roles_for_guest(Roles::NONE),
        request_id: "r".to_owned(),
        now_ms: 1,
    };
    match rules.handle(&request, grants, 1).await.result {
        Err(RunError::Failed(failure)) => failure.cause,
        other => panic!("{route}: {other:?}"),
    }
}

#[tokio::test]
async fn a_failure_names_its_cause() {
    let server = TestServer::start().await;
    let rules = async |cpu, timeout| {
        let mut settings = settings();
        settings.rules = Some(unruly_rules().to_owned());
        (settings.limits.rules_cpu, settings.limits.rules_timeout) = (cpu, timeout);
        load_rules(&settings).await.unwrap()
    };
    let (short, patient) = (Duration::from_millis(500), rules(MINUTE, MINUTE).await);
    for (route, cause) in [
        ("trap", Cause::Trap),
        ("recurse", Cause::Trap),
        ("grow", Cause::MemoryLimit),
        ("huge-call", Cause::HostCallQuota),
        ("big-answer", Cause::BadResponse),
        ("bad-header", Cause::BadResponse),
    ] {
        assert_eq!(cause_of(&server, &patient, route).await, cause, "{route}");
    }
    assert_eq!(cause_of(&server, &rules(short, MINUTE).await, "spin").await, Cause::CpuBudget);
    assert_eq!(cause_of(&server, &rules(MINUTE, short).await, "sleep").await, Cause::WallClock);
}

#[tokio::test]
async fn no_state_leaks_from_one_request_to_the_next() {
    let server = unruly().await;
    for _ in 0..5 {
        assert_eq!(server.get("/remember").send().await.text, "1");
    }
}

#[tokio::test]
async fn a_guest_sees_the_time_of_the_request_and_nothing_of_the_machine() {
    let server = unruly().await;
    assert_eq!(server.get("/clocks").send().await.text, format!("{} [] []", harness::START.0));
}

#[tokio::test]
async fn credentials_and_cookies_never_reach_a_guest() {
    let server = unruly().await;
    let call = server.get("/headers").header("authorization", "Bearer secret").header("cookie", "secret=1");
    let answer = call.role("admin").header("accept", "text/plain").send().await;
    assert_eq!(answer.text, r#"[("accept", "text/plain")]"#);
}

#[tokio::test]
async fn a_route_that_asks_for_no_role_cannot_lend_one() {
    let server = unruly().await;
    for role in ["", "user"] {
        let created = server.post("/create").role(role).send().await;
        assert!(created.text.contains("AccessDenied"), "{}", created.text);
    }
    for role in ["", "organizer"] {
        let registered = server.post("/register").role(role).send().await;
        assert!(registered.text.contains("AccessDenied"), "{}", registered.text);
    }
    let created = server.post("/create").role("organizer").send().await;
    assert!(created.text.contains("Ok("), "{}", created.text);
    server.get("/admin-only").role("organizer").send().await.assert_problem(403, "forbidden");
    assert_eq!(server.get("/admin-only").role("admin").send().await.status, 200);
}

#[tokio::test]
async fn a_trap_after_a_registration_leaves_a_whole_ticket_and_a_sound_count() {
    let server = unruly().await;
    let created = server.post("/create").role("organizer").send().await.text;
    let id = created.split("id: \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let call = || server.post("/register-then-trap").role("user").header("content-type", "application/json");
    call().body(id.clone()).send().await.assert_problem(500, "rules_failed");
    let again = server.post("/register").role("user").header("content-type", "application/json").body(id);
    assert!(again.send().await.text.contains("AlreadyRegistered"));
}

#[tokio::test]
async fn host_functions_are_denied_while_a_module_describes_itself() {
    let server = TestServer::builder().rules(unruly_rules()).start().await;
    assert_eq!(server.server().module().manifest.name, "unruly");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_instance_behind() {
    let builder = TestServer::builder().rules(unruly_rules());
    let server = builder.with(|s| (s.limits.max_instances, s.limits.rules_timeout) = (2, MINUTE)).start().await;
    for _ in 0..10 {
        let sleeping = tokio::spawn(server.get("/sleep?ms=30000").send());
        until("it is in flight", async || server.server().in_flight() > 0).await;
        sleeping.abort();
        until("it is gone", async || server.server().in_flight() == 0).await;
    }
    assert_eq!(server.get("/fine").send().await.status, 200);
}

#[tokio::test]
async fn without_a_free_instance_a_request_is_overloaded_and_told_when_to_come_back() {
    let builder = TestServer::builder().rules(unruly_rules());
    let server = builder.with(|s| (s.limits.max_instances, s.limits.rules_timeout) = (1, MINUTE)).start().await;
    let sleeping = tokio::spawn(server.get("/sleep?ms=30000").send());
    until("it is in flight", async || server.server().in_flight() > 0).await;
    let id = watched_id();
    let refused = server.get("/fine").header("x-request-id", &id).send().await;
    refused.assert_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    let causes: Vec<_> = logged(&id).iter().map(|line| line.field("cause").to_owned()).collect();
    assert!(causes.contains(&"no-instance".to_owned()), "{causes:?}");
    assert!(server.metrics().await.contains("cause=\"no-instance\"} 1"));
    sleeping.abort();
}

#[tokio::test]
async fn a_file_that_is_no_module_is_refused_with_a_reason() {
    let dir = tempfile::TempDir::new().unwrap();
    let cases: [(&str, &[u8], &str); 3] = [
        ("empty.wasm", b"", "not a valid component"),
        ("text.wasm", b"hello", "not a valid component"),
        ("nothing.wasm", b"\0asm\x0d\0\x01\0", "does not export"),
    ];
    for (name, bytes, reason) in cases {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut settings = settings();
        settings.rules = Some(path);
        let Err(error) = boxoffice::load_rules(&settings).await else { panic!("{name} was taken") };
        let text = error.to_string();
        assert!(text.contains(reason) && text.contains(name), "{text}");
    }
}
