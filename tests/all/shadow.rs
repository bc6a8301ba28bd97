//! A module that runs beside the one that is served: it changes nothing, delays nobody, and what it would do differently is found.

use std::path::{Path, PathBuf};
use std::time::Duration;

use boxoffice::config::{CacheDir, Serve};
use boxoffice::domain::EventQuery;
use boxoffice::registry::Mode;
use boxoffice::shadow::{Example, Kind, ShadowReport};
use boxoffice::store::Store as _;
use boxoffice::store::sqlite::{CommitFault, Faults, SqliteOptions};
use futures_util::future::join_all;
use harness::{TestServer, altered_rules, unruly_rules, until};
use serde_json::{Value, json};

use crate::made::Made;

const MINUTE: Duration = Duration::from_mins(1);

/// Limits that no slow machine reaches, and the code of modules kept from one test to the next.
fn at_leisure(settings: &mut Serve) {
    (settings.limits.rules_cpu, settings.limits.rules_timeout) = (MINUTE, MINUTE);
    settings.compiling.cache_dir = Some(CacheDir::At(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("shadow.cache")));
}

/// Lets these rules run as the shadow of a server.
async fn begin(server: &TestServer, rules: &Path) {
    let registry = server.server().registry();
    let candidate =
        registry.upload(std::fs::read(rules).expect("it was built")).await.expect("the candidate loads").digest;
    registry.activate(&candidate.to_string(), Mode::Shadow).await.expect("it can run beside the other");
}

/// No shadow runs any longer.
async fn end(server: &TestServer) {
    let registry = server.server().registry();
    let shadow = registry.serving().shadow.as_ref().expect("something runs as a shadow").module().digest;
    registry.activate(&shadow.to_string(), Mode::Off).await.expect("it can be taken off");
}

/// A server of the standard rules in an engine of its own, with a shadow of these rules.
async fn shadowed(rules: &Path, change: impl FnOnce(&mut Serve)) -> TestServer {
    let server = TestServer::builder().own_engine().with(at_leisure).with(change).start().await;
    begin(&server, rules).await;
    server
}

fn report(server: &TestServer) -> ShadowReport {
    server.server().shadow_report().expect("something runs as a shadow")
}

/// Waits until the shadow has nothing left of so many requests.
async fn looked_at(server: &TestServer, requests: u64) -> ShadowReport {
    let all = |found: &ShadowReport| found.compared + found.dropped + found.skipped;
    until("the shadow has looked at all", async || all(&report(server)) >= requests).await;
    let found = report(server);
    assert_eq!((all(&found), found.compared), (requests, found.identical + found.divergent), "{found:?}");
    found
}

/// The one difference that was found in so many requests.
async fn the_difference(server: &TestServer, requests: u64) -> Example {
    let mut found = looked_at(server, requests).await;
    assert_eq!((found.divergent, found.dropped, found.skipped, found.examples.len()), (1, 0, 0, 1), "{found:?}");
    found.examples.remove(0)
}

async fn named_event(server: &TestServer, name: &str) -> String {
    let event = json!({"name": name, "capacity": 5});
    let answer = server.post("/events").role("organizer").json(&event).send().await;
    answer.body["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_candidate_that_does_the_same_is_identical_in_everything() {
    // Another module, and the same where nothing is planted.
    let server = shadowed(altered_rules(), |_| {}).await;
    let event = server.event(2).await;
    let register = |email: &str| server.register(&event, email);
    let statuses = [
        register("a@example.org").key("k").send().await.status,
        register("a@example.org").key("k").send().await.status,
        register("b@example.org").send().await.status,
        register("c@example.org").send().await.status,
        register("not an email").send().await.status,
        server.post(&format!("/events/{event}/register")).json(&json!({})).send().await.status,
        server.post(&format!("/events/{event}/register")).role("user").body("text").send().await.status,
        server.get(&format!("/events/{event}")).send().await.status,
        server.get(&format!("/events/{event}/availability")).send().await.status,
        server.get("/events?limit=1").send().await.status,
        server.get("/events?limit=x").send().await.status,
        server.get("/events/nothing").send().await.status,
        server.get("/nothing").send().await.status,
        server.call("DELETE", "/events").send().await.status,
        server.call("OPTIONS", "/events").send().await.status,
        server.call("HEAD", "/events").send().await.status,
        server.get(&format!("/events/{event}")).json(&json!({})).send().await.status,
    ];
    assert_eq!(statuses, [201, 201, 201, 409, 400, 403, 415, 200, 200, 200, 400, 404, 404, 405, 204, 200, 413]);
    let ticket = server.register(&server.event(1).await, "a@example.org").send().await.body["id"].clone();
    for what in ["", "/confirm", "/cancel", "/confirm"] {
        let method = if what.is_empty() { "GET" } else { "POST" };
        server.call(method, &format!("/tickets/{}{what}", ticket.as_str().unwrap())).role("user").send().await;
    }
    let found = looked_at(&server, 24).await;
    assert_eq!((found.identical, found.dropped, found.skipped), (24, 0, 0), "{found:?}");
    assert_eq!((found.examples.len(), found.by_route.len()), (0, 0));
}

#[tokio::test]
async fn another_answer_is_found_and_where_it_differs() {
    let cases = [
        ("planted answer", Kind::Response, "body at /planted: nothing and true"),
        ("planted header", Kind::Response, "header x-planted: \"\" and \"true\""),
        ("planted 500", Kind::Response, "status: 200 and 500"),
        ("planted trap", Kind::Failure, "an answer and trap"),
    ];
    for (name, kind, what) in cases {
        let server = shadowed(altered_rules(), |_| {}).await;
        let event = named_event(&server, name).await;
        let answer = server.get(&format!("/events/{event}/availability")).header("x-request-id", "r1").send().await;
        assert_eq!((answer.status, &answer.body["planted"]), (200, &Value::Null), "the client sees the active one");
        let found = the_difference(&server, 2).await;
        assert_eq!((found.kind, found.what.as_str(), found.later_reads), (kind, what, 0));
        assert_eq!((found.request_id.as_str(), found.route.as_deref()), ("r1", Some("get-availability")));
        assert_eq!((found.method.as_str(), found.path), ("GET", format!("/events/{event}/availability")));
        assert_eq!((&found.active["status"], &found.active["body"]["capacity"]), (&json!(200), &json!(5)));
        assert_ne!(found.active, found.candidate);
    }
}

#[tokio::test]
async fn a_candidate_that_uses_up_its_cpu_time_is_found_by_that_name() {
    let server = shadowed(altered_rules(), |s| s.limits.rules_cpu = Duration::from_millis(200)).await;
    let event = named_event(&server, "planted spin").await;
    assert_eq!(server.get(&format!("/events/{event}")).send().await.status, 200);
    let found = the_difference(&server, 2).await;
    assert_eq!((found.kind, found.what.as_str()), (Kind::Failure, "an answer and cpu-budget"));
    assert_eq!(found.candidate["failure"], "cpu-budget");
}

#[tokio::test]
async fn a_candidate_that_hangs_is_found_by_that_name() {
    let server = shadowed(altered_rules(), |s| s.limits.rules_timeout = Duration::from_secs(1)).await;
    let event = named_event(&server, "planted sleep").await;
    assert_eq!(server.get(&format!("/events/{event}")).send().await.status, 200);
    let found = the_difference(&server, 2).await;
    assert_eq!((found.kind, found.what.as_str()), (Kind::Failure, "an answer and wall-clock"));
}

#[tokio::test]
async fn clients_search_while_a_candidate_s_searches_stand_still() {
    let faults = Faults::default();
    let builder = TestServer::builder().own_engine().with(at_leisure);
    let only_one = |store: &mut SqliteOptions| (store.faults, store.scan_readers) = (faults.clone(), 1);
    let server = builder.store(only_one).start().await;
    begin(&server, altered_rules()).await;
    let event = named_event(&server, "planted search").await;
    faults.hold_searches(Some("held"));
    for _ in 0..2 {
        assert_eq!(server.get(&format!("/events/{event}")).send().await.status, 200);
    }
    until("a search of the shadow stands still", async || faults.held_searches() == 1).await;
    let query = EventQuery { words: Some("planted".into()), ..EventQuery::all() };
    for _ in 0..20 {
        let page = server.server().store().events(harness::START, query.clone()).await;
        assert_eq!(page.expect("the store answers").expect("a page").items.len(), 1);
    }
    // The second run waits for the first one's reader, and for nobody else's.
    until("it is dropped", async || report(&server).dropped == 1).await;
    assert_eq!(faults.held_searches(), 1);
    faults.hold_searches(None);
    let found = looked_at(&server, 3).await;
    assert_eq!((found.identical, found.dropped), (2, 1), "{found:?}");
}

#[tokio::test]
async fn what_is_found_beside_one_active_module_is_not_counted_for_another() {
    let server = shadowed(altered_rules(), |_| {}).await;
    let event = named_event(&server, "planted answer").await;
    assert_eq!(server.get(&format!("/events/{event}")).send().await.status, 200);
    let found = the_difference(&server, 2).await;
    assert_eq!(found.active_module, server.server().module().digest.short());
    let registry = server.server().registry();
    let other = registry.upload(Made::default().component()).await.expect("it loads").digest;
    registry.activate(&other.to_string(), Mode::All).await.expect("it can serve");
    let found = report(&server);
    assert_eq!((found.compared, found.examples.len()), (0, 0), "{found:?}");
}

#[tokio::test]
async fn of_a_body_that_is_no_text_only_length_and_digest_are_shown() {
    let server = shadowed(altered_rules(), |_| {}).await;
    let event = named_event(&server, "planted bytes").await;
    assert_eq!(server.get(&format!("/events/{event}")).send().await.status, 200);
    let found = the_difference(&server, 2).await;
    let body = &found.candidate["body"];
    assert_eq!((body["sha256"].as_str().map(str::len), body["bytes"].is_u64()), (Some(64), true), "{body}");
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{body}");
}

#[tokio::test]
async fn a_read_that_the_active_run_did_not_make_is_answered_and_told() {
    let server = shadowed(altered_rules(), |_| {}).await;
    let event = named_event(&server, "planted read").await;
    assert_eq!(server.get(&format!("/events/{event}")).send().await.status, 200);
    let found = looked_at(&server, 2).await;
    assert_eq!(found.identical, 2, "one read more is no difference: {found:?}");
    let event = named_event(&server, "planted read answer").await;
    assert_eq!(server.get(&format!("/events/{event}")).send().await.status, 200);
    let found = the_difference(&server, 4).await;
    assert_eq!((found.later_reads, found.what.as_str()), (1, "body at /planted: nothing and 1"));
    assert!(found.to_string().contains("1 of its reads may have seen a later state"), "{found}");
}

#[tokio::test]
async fn writes_that_differ_are_found_and_never_made() {
    let cases = [
        (
            "planted-more@example.org",
            Kind::Write,
            "write 1: tickets.atomic-register and tickets.atomic-register differ",
        ),
        ("planted-twice@example.org", Kind::Write, "write 2: tickets.atomic-register is one more"),
        ("planted-never@example.org", Kind::MissingWrite, "write 1: tickets.atomic-register is missing"),
        ("planted-trap@example.org", Kind::Failure, "an answer and trap"),
        ("planted-500@example.org", Kind::Response, "status: 201 and 500"),
    ];
    for (email, kind, what) in cases {
        let server = shadowed(altered_rules(), |_| {}).await;
        let event = server.event(5).await;
        assert_eq!(server.register(&event, email).send().await.status, 201);
        let found = the_difference(&server, 2).await;
        assert_eq!((found.kind, found.what.as_str(), found.route.as_deref()), (kind, what, Some("register")));
        if kind == Kind::Write {
            let asked = if what.contains("differ") { json!([1, 2]) } else { json!([null, 1]) };
            let quantities = [&found.active["asked"]["quantity"], &found.candidate["asked"]["quantity"]];
            assert_eq!(json!(quantities), asked, "{found}");
        }
        end(&server).await;
        assert_eq!(server.available(&event).await, 4, "one seat was taken, by the active run: {email}");
    }
}

#[tokio::test]
async fn routes_that_only_one_of_the_two_has_are_found() {
    let server = shadowed(altered_rules(), |_| {}).await;
    assert_eq!(server.get("/planted").send().await.status, 404);
    let found = the_difference(&server, 1).await;
    assert_eq!((found.kind, found.route.as_deref()), (Kind::Route, Some("planted")));
    assert_eq!((&found.active["code"], &found.candidate["would_run"]), (&json!("route_not_found"), &json!("planted")));

    let server = shadowed(unruly_rules(), |_| {}).await;
    let event = server.event(1).await;
    server.hold(&event, "a@example.org").await;
    let found = looked_at(&server, 2).await;
    assert_eq!(found.by_route.iter().map(|count| count.count).sum::<u64>(), 2, "{found:?}");
    assert!(found.examples.iter().all(|example| example.kind == Kind::Route), "{found:?}");
    assert_eq!(found.examples[1].candidate["code"], "route_not_found");
}

#[tokio::test]
async fn nobody_s_email_is_shown() {
    let server = shadowed(altered_rules(), |_| {}).await;
    let event = named_event(&server, "planted answer").await;
    for email in ["planted-more+ada.lovelace@example.org", "planted-never+ada@example.org"] {
        assert_eq!(server.register(&event, email).send().await.status, 201);
    }
    server.get(&format!("/events/{event}?who=ada%40example.org&ada@x=1")).send().await;
    // A difference in what has an email in it.
    let attributes =
        json!({"name": "planted answer", "capacity": 1, "attributes": {"contact": "Ada <ada@example.org>"}});
    let created = server.post("/events").role("organizer").json(&attributes).send().await;
    let path = format!("/events/{}", created.body["id"].as_str().unwrap());
    assert_eq!(server.get(&path).send().await.status, 200);
    assert_eq!(server.get("/planted/ada@example.org").send().await.status, 404);
    assert_eq!(server.get("/planted?q=%22ada%20l%22@example.org").send().await.status, 404);
    let found = looked_at(&server, 8).await;
    assert_eq!(found.examples.len(), 4, "{found:?}");
    let told = serde_json::to_string(&found).unwrap();
    let people = found.examples.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for text in [&told, &people] {
        assert!(text.contains("***@example.org") && text.contains("Ada <***@example.org>"), "{text}");
        assert!(!text.contains("lovelace") && !text.contains("ada@") && !text.contains("ada%"), "{text}");
    }
}

#[tokio::test]
async fn what_is_kept_of_differences_is_bounded() {
    let server = shadowed(altered_rules(), |_| {}).await;
    let attributes = json!({"text": "x".repeat(8000)});
    let event = json!({"name": "planted answer", "capacity": 1, "attributes": attributes});
    let created = server.post("/events").role("organizer").json(&event).send().await;
    let path = format!("/events/{}", created.body["id"].as_str().unwrap());
    for _ in 0..5 {
        assert_eq!(server.get(&path).send().await.status, 200);
    }
    let found = looked_at(&server, 6).await;
    assert_eq!((found.divergent, found.examples.len(), found.by_route[0].count), (5, 3, 5));
    for side in [&found.examples[0].active, &found.examples[0].candidate] {
        assert!((4000..=4 * 1024 + 3).contains(&side.as_str().unwrap().len()), "{side}");
    }
}

#[tokio::test]
async fn a_shadow_takes_no_instance_that_a_client_needs_and_ends_when_it_is_told() {
    let server = shadowed(altered_rules(), |s| s.limits.max_instances = 1).await;
    let event = named_event(&server, "planted spin").await;
    let path = format!("/events/{event}/availability");
    for _ in 0..10 {
        let answer = server.get(&path).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    until("the shadow spins", async || server.server().occupancy().shadows > 0).await;
    // The one instance that clients have is theirs.
    for _ in 0..10 {
        assert_eq!(server.get(&path).send().await.status, 200);
        assert_eq!(server.server().occupancy().permits, 0);
    }
    let made = server.server().registry().upload(Made::default().component()).await;
    assert!(made.is_ok(), "a module can be loaded beside it: {made:?}");
    end(&server).await;
    until("it has ended", async || server.server().occupancy() == boxoffice::wasm::Occupancy::default()).await;
}

#[tokio::test]
async fn what_a_shadow_has_no_room_for_is_dropped_and_counted() {
    let server = shadowed(altered_rules(), |_| {}).await;
    let event = named_event(&server, "planted spin").await;
    looked_at(&server, 1).await;
    // Two are compared at a time and 64 wait; these are never done.
    let path = format!("/events/{event}");
    for _ in 0..8 {
        let answers = join_all((0..10).map(|_| server.get(&path).send())).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
    }
    let found = report(&server);
    assert!((14..=16).contains(&found.dropped), "{found:?}");
    assert_eq!(found.compared, 1);
}

#[tokio::test]
async fn a_shadow_that_runs_out_of_time_is_dropped_and_one_of_a_failed_store_is_skipped() {
    let faults = Faults::default();
    let builder = TestServer::builder().own_engine().with(at_leisure).store(|store| store.faults = faults.clone());
    let server = builder.with(|s| s.limits.rules_timeout = Duration::from_secs(1)).start().await;
    begin(&server, altered_rules()).await;
    let event = named_event(&server, "planted spin").await;
    assert_eq!(server.get(&format!("/events/{event}")).send().await.status, 200);
    let found = looked_at(&server, 2).await;
    assert_eq!((found.identical, found.dropped), (1, 1), "a low priority is no fault: {found:?}");
    faults.fail_commit(1, CommitFault::DiskFull);
    assert_eq!(server.register(&event, "planted-more@example.org").send().await.status, 503);
    let found = looked_at(&server, 3).await;
    assert_eq!((found.divergent, found.skipped), (0, 1), "{found:?}");
}
