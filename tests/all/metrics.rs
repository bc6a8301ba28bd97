//! What `/metrics` says: by module, route, status and cause, in a form that Prometheus reads, and nothing of what clients send.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use boxoffice::registry::{Mode, Share};
use boxoffice::store::sqlite::{CommitFault, Faults};
use boxoffice::wasm::Digest;
use harness::{Exposition, Family, Issuer, TestServer, raw_rules, unruly_rules, until};
use serde_json::Value;

use crate::made::Made;

/// What servers say that have seen it all, one of them over TLS.
async fn all_there_is() -> Exposition {
    let mut told = scrape(&server_that_has_seen_it_all().await).await;
    let files = crate::tls::Files::new();
    for (name, family) in scrape(&files.server().start().await).await.families {
        told.families.entry(name).or_insert(family);
    }
    told
}

async fn scrape(server: &TestServer) -> Exposition {
    Exposition::parse(&server.metrics().await)
}

/// Its module's label.
fn module(server: &TestServer) -> String {
    server.server().module().digest.short()
}

/// Sends one of each kind, so that every metric has a value.
async fn server_that_has_seen_it_all() -> TestServer {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("recordings");
    let server = TestServer::builder().with(|s| s.recording.record = Some(record));
    let server = server.auth("jwt").jwt_key(Issuer::secret().key_file()).start().await;
    assert_eq!(server.get("/fine").bearer("none").send().await.status, 401);
    std::fs::write(server.kept()[0].path(), "too short").unwrap();
    let registry = server.server().registry();
    let unruly = registry.upload(std::fs::read(unruly_rules()).unwrap()).await.unwrap().digest.to_string();
    registry.activate(&unruly, Mode::All).await.unwrap();
    registry.activate("standard", Mode::Shadow).await.unwrap();
    assert_eq!(server.get("/fine").send().await.status, 200);
    assert_eq!(server.get("/trap").send().await.status, 500);
    assert_eq!(server.get("/nothing").send().await.status, 404);
    let outcomes =
        ["boxoffice_shadow_requests_total", "boxoffice_recordings_total", "boxoffice_token_key_changes_total"];
    until("all have looked", async || {
        let told = scrape(&server).await;
        [Some(3.0), Some(1.0), Some(1.0)]
            == outcomes.map(|name| {
                told.families.contains_key(name.trim_end_matches("_total")).then(|| told.sum(name, &[])).flatten()
            })
    })
    .await;
    server
}

#[tokio::test]
async fn a_request_of_each_status_is_counted_under_its_route() {
    let server = TestServer::start().await;
    let event = server.event(1).await;
    server.hold(&event, "a@example.org").await;
    assert_eq!(server.register(&event, "b@example.org").send().await.status, 409);
    assert_eq!(server.get("/events/none").send().await.status, 404);
    assert_eq!(server.post("/events").role("user").json(&Value::Null).send().await.status, 403);
    for _ in 0..3 {
        assert_eq!(server.get("/no/such/route").send().await.status, 404);
    }
    let told = scrape(&server).await;
    let module = module(&server);
    let cases = [
        ("register", "201", 1.0),
        ("register", "409", 1.0),
        ("get-event", "404", 1.0),
        ("create-event", "201", 1.0),
        ("create-event", "403", 1.0),
        ("-", "404", 3.0),
    ];
    for (route, status, count) in cases {
        let labels = [("module", module.as_str()), ("route", route), ("status", status)];
        assert_eq!(told.sum("boxoffice_requests_total", &labels), Some(count), "{route} {status}");
    }
    assert_eq!(told.sum("boxoffice_requests_total", &[]), Some(8.0), "and none besides");
    let register = [("module", module.as_str()), ("route", "register")];
    assert_eq!(told.sum("boxoffice_request_duration_seconds_count", &register), Some(2.0));
    assert_eq!(told.sum("boxoffice_host_calls_total", &register), Some(2.0));
    for positive in ["boxoffice_rules_cpu_seconds_total", "boxoffice_host_call_seconds_total"] {
        assert!(told.sum(positive, &register) > Some(0.0), "{positive}");
        assert_eq!(told.sum(positive, &[("route", "-")]), Some(0.0), "{positive}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_is_counted_too() {
    let server = TestServer::builder().rules(unruly_rules()).start().await;
    let waiting = tokio::spawn(server.get("/sleep?ms=60000").send());
    until("it is in flight", async || scrape(&server).await.sum("boxoffice_requests_in_flight", &[]) == Some(1.0))
        .await;
    let told = scrape(&server).await;
    assert_eq!(told.sum("boxoffice_rules_instances", &[]), Some(1.0));
    assert_eq!(told.sum("boxoffice_rules_instances_max", &[]), Some(256.0));
    assert_eq!(told.sum("boxoffice_connections", &[]), Some(1.0));
    waiting.abort();
    let gone = [("route", "sleep"), ("status", "499")];
    until("it is over", async || scrape(&server).await.sum("boxoffice_requests_total", &gone) == Some(1.0)).await;
    until("its connection is closed", async || scrape(&server).await.sum("boxoffice_connections", &[]) == Some(0.0))
        .await;
    assert_eq!(scrape(&server).await.sum("boxoffice_requests_in_flight", &[]), Some(0.0));
}

#[tokio::test]
async fn a_failed_run_is_counted_under_its_cause_and_code() {
    let server = TestServer::builder().rules(unruly_rules()).with(|s| s.limits.rules_cpu = Duration::from_millis(20));
    let server = server.start().await;
    for (path, status) in [("/trap", 500), ("/trap", 500), ("/spin", 504), ("/bad-status", 500)] {
        assert_eq!(server.get(path).send().await.status, status, "{path}");
    }
    let told = scrape(&server).await;
    for (cause, count) in [("trap", 2.0), ("cpu-budget", 1.0), ("bad-response", 1.0)] {
        let labels = [("module", &*module(&server)), ("cause", cause)];
        assert_eq!(told.sum("boxoffice_rules_failures_total", &labels), Some(count), "{cause}");
    }
    assert_eq!(told.sum("boxoffice_rules_failures_total", &[]), Some(4.0));
    for (code, count) in [("rules_failed", 3.0), ("rules_timeout", 1.0)] {
        assert_eq!(told.sum("boxoffice_refusals_total", &[("code", code)]), Some(count), "{code}");
    }
}

#[tokio::test]
async fn what_the_limiter_refuses_is_counted_by_its_code_and_its_clients_are_those_of_the_window() {
    let server = TestServer::start().await;
    let known = harness::fresh_address();
    let mut refused = 0.0;
    for _ in 0..7 {
        refused += f64::from(u8::from(server.get("/events").from(known).send().await.status == 429));
    }
    server.get("/events").send().await;
    let told = scrape(&server).await;
    assert_eq!((refused, told.sum("boxoffice_refusals_total", &[("code", "rate_limited")])), (2.0, Some(2.0)));
    assert_eq!(told.sum("boxoffice_requests_total", &[("route", "-"), ("status", "429")]), Some(2.0));
    assert_eq!(told.sum("boxoffice_limiter_clients", &[]), Some(2.0));
    server.clock.advance(Duration::from_secs(10));
    assert_eq!(scrape(&server).await.sum("boxoffice_limiter_clients", &[]), Some(0.0));
    let off = TestServer::builder().with(|s| s.rate_limit = boxoffice::config::RateSetting(None)).start().await;
    assert_eq!(scrape(&off).await.sum("boxoffice_limiter_clients", &[]), None, "absent, not zero");
}

#[tokio::test]
async fn a_hold_appears_and_is_gone_when_it_has_run_out_and_counted_when_it_is_swept() {
    let server = TestServer::start().await;
    let event = server.event(10).await;
    let [confirmed, cancelled] = [server.hold(&event, "a@x.org").await, server.hold(&event, "b@x.org").await];
    server.hold(&event, "c@x.org").await;
    assert_eq!(scrape(&server).await.sum("boxoffice_holds", &[]), Some(3.0));
    for (ticket, action) in [(&confirmed, "confirm"), (&cancelled, "cancel")] {
        // The second time it changes nothing, and is not counted.
        for _ in 0..2 {
            let answer = server.post(&format!("/tickets/{ticket}/{action}")).role("user").send().await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
    assert_eq!(scrape(&server).await.sum("boxoffice_holds", &[]), Some(1.0));
    server.clock.advance(Duration::from_mins(5));
    let told = scrape(&server).await;
    let counts = |told: &Exposition| {
        let names = ["tickets_reserved", "tickets_confirmed", "tickets_cancelled", "holds_released", "sweeps"];
        names.map(|name| told.sum(&format!("boxoffice_{name}_total"), &[]))
    };
    assert_eq!((told.sum("boxoffice_holds", &[]), counts(&told)), (Some(0.0), [3.0, 1.0, 1.0, 0.0, 0.0].map(Some)));
    server.server().sweep().await.expect("it sweeps");
    assert_eq!(counts(&scrape(&server).await), [3.0, 1.0, 1.0, 1.0, 1.0].map(Some));
}

#[tokio::test]
async fn holds_that_a_registration_releases_are_counted_unless_it_is_refused_after_all() {
    let server = TestServer::start().await;
    let event = server.event(2).await;
    server.hold(&event, "a@x.org").await;
    server.clock.advance(Duration::from_mins(4));
    server.hold(&event, "b@x.org").await;
    server.clock.advance(Duration::from_mins(1));
    let two = serde_json::json!({"email": "c@x.org", "quantity": 2});
    let wanted = server.post(&format!("/events/{event}/register")).role("user").json(&two).send().await;
    wanted.assert_problem(409, "sold_out");
    assert_eq!(scrape(&server).await.sum("boxoffice_holds_released_total", &[]), Some(0.0), "it was undone");
    server.hold(&event, "c@x.org").await;
    assert_eq!(scrape(&server).await.sum("boxoffice_holds_released_total", &[]), Some(1.0));
}

#[tokio::test]
async fn commits_are_counted_with_their_size_and_those_that_fail_apart() {
    let faults = Faults::default();
    let server = TestServer::builder().store(|options| options.faults = faults.clone()).start().await;
    let event = server.event(5).await;
    server.hold(&event, "a@example.org").await;
    let told = scrape(&server).await;
    assert_eq!(told.sum("boxoffice_commit_batch_size_count", &[]), Some(2.0));
    assert_eq!(told.sum("boxoffice_commit_batch_size_sum", &[]), Some(2.0));
    assert_eq!(told.sum("boxoffice_commit_duration_seconds_count", &[]), Some(2.0));
    assert!(told.sum("boxoffice_wal_bytes", &[]) > Some(0.0));
    faults.fail_commit(1, CommitFault::DiskFull);
    server.register(&event, "b@example.org").send().await.assert_problem(503, "overloaded");
    let told = scrape(&server).await;
    assert_eq!(told.sum("boxoffice_commit_failures_total", &[]), Some(1.0));
    assert_eq!(told.sum("boxoffice_commit_batch_size_count", &[]), Some(2.0));
    assert_eq!(told.sum("boxoffice_tickets_reserved_total", &[]), Some(1.0), "what is undone is not counted");
    assert_eq!(told.sum("boxoffice_store_queue_jobs", &[]), Some(0.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_wait_are_seen_in_the_queue_and_share_a_commit() {
    // However slow the machine is: the writer waits for the lock until all are there.
    let server = TestServer::builder().store(|options| options.busy_timeout = Duration::from_mins(1)).start().await;
    let event = server.event(50).await;
    let gate = rusqlite::Connection::open(server.db()).unwrap();
    gate.execute_batch("BEGIN IMMEDIATE").unwrap();
    let calls: Vec<_> =
        (0..10).map(|n| tokio::spawn(server.register(&event, &format!("c{n}@example.org")).send())).collect();
    // One is in the writer's hand, and waits for the lock.
    until("nine wait", async || scrape(&server).await.sum("boxoffice_store_queue_jobs", &[]) == Some(9.0)).await;
    gate.execute_batch("ROLLBACK").unwrap();
    for call in calls {
        assert_eq!(call.await.unwrap().status, 201);
    }
    let told = scrape(&server).await;
    assert_eq!(told.sum("boxoffice_commit_batch_size_sum", &[]), Some(11.0));
    assert_eq!(told.sum("boxoffice_commit_batch_size_count", &[]), Some(2.0), "the event's, and one for all ten");
    assert_eq!(told.sum("boxoffice_store_queue_jobs", &[]), Some(0.0));
}

#[tokio::test]
async fn nothing_that_a_client_sends_becomes_a_label() {
    let server = TestServer::start().await;
    let event = server.event(5).await;
    let register = server.register(&event, "secret-mail@example.org").key("secret-key");
    let register = register.header("x-request-id", "secret-id").header("user-agent", "secret-agent");
    assert_eq!(register.send().await.status, 201);
    for path in ["/secret-path", "/events/secret-event", "/events?q=secret-query", "/events/%22%7D%0a"] {
        server.get(path).header("x-role", "secret-role").header("authorization", "Bearer secret-token").send().await;
    }
    server.call("SECRET", "/events").send().await;
    let text = server.metrics().await;
    assert!(!text.to_lowercase().contains("secret") && !text.contains(&event), "{text}");
    let told = Exposition::parse(&text);
    let used = server.server().module();
    let manifest = &used.manifest;
    let routes: BTreeSet<_> = manifest.routes.iter().map(|route| route.id.as_str()).chain(["-"]).collect();
    for sample in told.families.values().flat_map(|family| &family.samples) {
        let route = sample.labels.get("route");
        assert!(route.is_none_or(|route| routes.contains(route.as_str())), "{sample:?}");
    }
}

#[tokio::test]
async fn a_module_that_answers_with_any_status_has_few_series() {
    let server = TestServer::builder().rules(raw_rules()).start().await;
    for status in 400_u32..440 {
        let mut answer = status.to_le_bytes().to_vec();
        answer.resize(20, 0);
        let sent = server.get("/answer").header("content-type", "application/json").body(answer).send().await;
        assert_eq!(u32::from(sent.status), status, "{}", sent.text);
    }
    let told = scrape(&server).await;
    assert_eq!(told.families["boxoffice_requests"].samples.len(), 25);
    assert_eq!(told.sum("boxoffice_requests_total", &[("status", "other")]), Some(16.0));
    assert_eq!(told.sum("boxoffice_requests_total", &[]), Some(40.0));
}

#[tokio::test]
async fn the_module_the_program_and_the_process_are_told() {
    let server = TestServer::start().await;
    let told = scrape(&server).await;
    let used = server.server().module();
    let manifest = &used.manifest;
    let module = module(&server);
    let labels =
        [("module", module.as_str()), ("name", "standard"), ("version", &manifest.version), ("role", "active")];
    assert_eq!(told.sum("boxoffice_module_info", &labels), Some(1.0));
    assert_eq!(told.sum("boxoffice_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));
    assert_eq!(told.sum("process_start_time_seconds", &[]), Some(1_795_253_400.0), "the clock's time");
    assert!(told.sum("process_resident_memory_bytes", &[]) > Some(1024.0 * 1024.0));
    assert!(told.sum("process_cpu_seconds_total", &[]) > Some(0.0));
    let (open, most) = (told.sum("process_open_fds", &[]), told.sum("process_max_fds", &[]));
    assert!(open > Some(3.0) && open < most, "{open:?} of {most:?}");
    assert!(told.families["boxoffice_wal_bytes"].unit == "bytes");
}

/// Modules with a series of requests.
fn modules_with_series(told: &Exposition) -> BTreeSet<String> {
    let samples = told.families["boxoffice_requests"].samples.iter();
    samples.map(|sample| sample.labels["module"].clone()).collect()
}

#[tokio::test]
async fn few_modules_have_series_and_a_deleted_one_has_none() {
    let server = TestServer::start().await;
    let registry = server.server().registry();
    let mut digests = Vec::new();
    for n in 0..10 {
        let made = Made { version: format!("1.0.{n}"), ..Made::default() };
        let digest = registry.upload(made.component()).await.unwrap().digest;
        registry.activate(&digest.to_string(), Mode::All).await.unwrap();
        assert_eq!(server.get("/one").send().await.status, 200);
        digests.push(digest);
    }
    let told = scrape(&server).await;
    let last: BTreeSet<_> = digests[2..].iter().map(Digest::short).collect();
    assert_eq!(modules_with_series(&told), last, "the eight that served last");
    assert_eq!(told.families["boxoffice_module"].samples.len(), 1);
    assert_eq!(told.sum("boxoffice_module_info", &[("version", "1.0.9"), ("role", "active")]), Some(1.0));
    registry.delete(&digests[5].to_string()).await.unwrap();
    let left = modules_with_series(&scrape(&server).await);
    assert!(left.len() == 7 && !left.contains(&digests[5].short()), "{left:?}");
}

#[tokio::test]
async fn a_canary_is_told_with_its_role() {
    let server = TestServer::start().await;
    let registry = server.server().registry();
    let digest = registry.upload(Made::default().component()).await.unwrap().digest;
    let share = Share::percent(50.0).unwrap();
    registry.activate(&digest.to_string(), Mode::Canary(share)).await.unwrap();
    let told = scrape(&server).await;
    for (name, role) in [("standard", "active"), ("made", "canary")] {
        assert_eq!(told.sum("boxoffice_module_info", &[("name", name), ("role", role)]), Some(1.0), "{role}");
    }
}

/// What a row of the table in METRICS.md says: type and labels.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/METRICS.md")).unwrap();
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut rows = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 7) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [name] = &quoted(cells[1])[..] else { panic!("{line}") };
        assert!(cells[6].contains(name.as_str()), "its query asks for something else: {line}");
        let row = (cells[2].to_owned(), quoted(cells[3]).into_iter().collect());
        assert!(rows.insert(name.clone(), row).is_none(), "twice: {line}");
    }
    rows
}

/// Labels of a family, but for a bucket's bound.
fn labels_of(family: &Family) -> BTreeSet<String> {
    let all = family.samples.iter().flat_map(|sample| sample.labels.keys().cloned());
    all.filter(|label| label != "le").collect()
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_one_exists() {
    let told = all_there_is().await;
    let documented = documented();
    assert_eq!(documented.keys().cloned().collect::<BTreeSet<_>>(), told.names());
    for (name, family) in &told.families {
        let row = [format!("{name}_total"), format!("{name}_info"), name.clone()];
        let (kind, labels) = row.iter().find_map(|name| documented.get(name)).expect("it is documented");
        assert_eq!((kind, labels), (&family.kind, &labels_of(family)), "{name}");
    }
}

#[tokio::test]
async fn the_dashboard_asks_for_every_metric_and_for_nothing_else() {
    let told = all_there_is().await;
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/grafana.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let queries = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut asked = BTreeSet::new();
    for query in queries.map(|target| target["expr"].as_str().unwrap()) {
        let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.starts_with("boxoffice_") || word.starts_with("process_")) {
            asked.insert(word.strip_suffix("_bucket").unwrap_or(word).to_owned());
        }
    }
    assert_eq!(asked, told.names());
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
}
