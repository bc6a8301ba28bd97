//! Modules that misbehave: their own answers are wrong, and nobody else's.

use std::time::Duration;

use futures_util::future::join_all;
use harness::{TestServer, unruly_rules};

const MINUTE: Duration = Duration::from_mins(1);

async fn unruly() -> TestServer {
    let builder = TestServer::builder().rules(unruly_rules());
    builder
        .with(|s| (s.rules_cpu, s.rules_timeout) = (Duration::from_millis(50), Duration::from_millis(500)))
        .start()
        .await
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
    let server = unruly().await;
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
    let server = unruly().await;
    assert_eq!(server.get("/sleep?ms=200").send().await.status, 200, "four times the CPU budget, spent waiting");
    server.get("/sleep?ms=60000").send().await.assert_problem(504, "rules_timeout");
}

#[tokio::test]
async fn guests_that_want_too_much_memory_or_stack_fail_alone() {
    // Time enough to reach the limit that this is about, however slow the machine.
    let builder = TestServer::builder().rules(unruly_rules());
    let server = builder.with(|s| (s.rules_cpu, s.rules_timeout) = (MINUTE, MINUTE)).start().await;
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
    assert_eq!(server.get("/bad-status?status=418").send().await.status, 418);
}

#[tokio::test]
async fn a_guest_that_talks_without_end_is_cut_short_and_lives() {
    let server = unruly().await;
    for path in ["/flood-log", "/chatter"] {
        assert_eq!(server.get(path).send().await.status, 200);
    }
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
    let settings = TestServer::builder().rules(unruly_rules());
    let server = settings.start().await;
    assert_eq!(server.server().manifest().name, "unruly");
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_instance_behind() {
    let builder = TestServer::builder().rules(unruly_rules());
    let server = builder.with(|s| (s.max_instances, s.rules_timeout) = (2, MINUTE)).start().await;
    for _ in 0..10 {
        let sleeping = tokio::spawn(server.get("/sleep?ms=30000").send());
        while server.server().in_flight() == 0 {
            tokio::task::yield_now().await;
        }
        sleeping.abort();
        while server.server().in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(server.get("/fine").send().await.status, 200);
}

#[tokio::test]
async fn without_a_free_instance_a_request_is_overloaded_and_told_when_to_come_back() {
    let builder = TestServer::builder().rules(unruly_rules());
    let server = builder.with(|s| (s.max_instances, s.rules_timeout) = (1, MINUTE)).start().await;
    let sleeping = tokio::spawn(server.get("/sleep?ms=30000").send());
    while server.server().in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    let refused = server.get("/fine").send().await;
    refused.assert_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
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
        let mut settings = boxoffice::config::Serve::defaults();
        settings.rules = Some(path);
        let Err(error) = boxoffice::load_rules(&settings).await else { panic!("{name} was taken") };
        let text = error.to_string();
        assert!(text.contains(reason) && text.contains(name), "{text}");
    }
}
