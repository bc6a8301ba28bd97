//! Recordings of what no clean run of the program shows: the store fails or stands still, ids are used twice, values are removed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use boxoffice::cli;
use boxoffice::config::{Replay, RulesCommand, Serve};
use boxoffice::store::sqlite::{CommitFault, Faults};
use boxoffice::wasm::Exchange;
use harness::{TestServer, settings, unruly_rules, until};
use serde_json::{Value, json};
use tempfile::TempDir;

fn files(folder: &TempDir) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder.path().join("recordings")).into_iter().flatten().flatten();
    let mut found: Vec<_> = found.map(|entry| entry.path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    found.sort();
    found
}

fn only_file(folder: &TempDir) -> Option<PathBuf> {
    files(folder).pop()
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).expect("it is there")).expect("it is JSON")
}

/// Whether a replay in these rules, or in the standard ones, does the same.
async fn replays_the_same(file: PathBuf, rules: Option<&Path>) -> bool {
    let (compiling, rules) = (settings().compiling, rules.map(Path::to_owned));
    let replay = Replay { file, rules, modules_dir: PathBuf::from("no such folder"), json: true, compiling };
    // The command has a runtime of its own.
    let code =
        tokio::task::spawn_blocking(|| cli::rules(RulesCommand::Replay(Box::new(replay)))).await.expect("it ends");
    format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
}

#[tokio::test]
async fn a_run_that_the_store_ended_is_recorded_and_ends_the_same_way_in_a_replay() {
    let (folder, faults) = (TempDir::new().unwrap(), Faults::default());
    let builder = TestServer::builder().store(|options| options.faults = faults.clone());
    let server = builder.with(|s| s.recording.record = Some(folder.path().join("recordings"))).start().await;
    let event = server.event(5).await;
    faults.fail_commit(1, CommitFault::DiskFull);
    let refused = server.register(&event, "a@example.org").header("x-request-id", "r-1").send().await;
    refused.assert_problem(503, "overloaded");
    until("it is recorded", async || only_file(&folder).is_some()).await;
    let file = only_file(&folder).unwrap();
    let recorded: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!((&recorded["why"], &recorded["seed"].is_u64()), (&json!("failure"), &true));
    assert_eq!(
        (&recorded["calls"][0]["said"], &recorded["outcome"]),
        (&json!({"store-failure": "overloaded"}), &json!({"store-failure": "overloaded"}))
    );
    assert_eq!((&recorded["request"]["request_id"], &recorded["caller"]["roles"]), (&json!("r-1"), &json!(["user"])));
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(&format!("{}-r-1-", harness::START.as_u64())), "{name}");
    assert!(replays_the_same(file, None).await);
}

#[tokio::test]
async fn a_run_that_ran_out_of_time_in_a_host_call_replays_the_same_as_far_as_it_came() {
    let (folder, faults) = (TempDir::new().unwrap(), Faults::default());
    let builder = TestServer::builder().own_engine().store(|options| options.faults = faults.clone());
    let record = |s: &mut Serve| {
        s.recording.record = Some(folder.path().join("recordings"));
        s.limits.rules_timeout = Duration::from_secs(1);
        s.rules = Some(unruly_rules().to_owned());
    };
    let server = builder.with(record).start().await;
    faults.hold_searches(Some("held"));
    server.get("/search").send().await.assert_problem(504, "rules_timeout");
    faults.hold_searches(None);
    until("it is recorded", async || only_file(&folder).is_some()).await;
    let file = only_file(&folder).unwrap();
    let mut recorded = read(&file);
    let calls = recorded["calls"].as_array().unwrap();
    assert_eq!((calls.len(), &calls[0]["function"], &calls[0]["said"]), (1, &json!("events.list"), &json!("pending")));
    assert_eq!(calls[0]["asked"]["words"], "held");
    assert!(replays_the_same(file.clone(), Some(unruly_rules())).await);
    // It is compared: another question is another run.
    recorded["calls"][0]["asked"]["words"] = json!("other");
    std::fs::write(&file, recorded.to_string()).unwrap();
    assert!(!replays_the_same(file, Some(unruly_rules())).await);
}

#[tokio::test]
async fn what_removes_a_value_is_recorded_as_that() {
    let folder = TempDir::new().unwrap();
    let record = |s: &mut Serve| {
        s.recording.record = Some(folder.path().join("recordings"));
        s.recording.record_sample = 1;
        s.rules = Some(unruly_rules().to_owned());
    };
    let server = TestServer::builder().own_engine().with(record).start().await;
    let answer = server.post("/clear-start").role("organizer").json(&json!("no-such-event")).send().await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "Err(UpdateRefusal::EventNotFound)"));
    until("it is recorded", async || only_file(&folder).is_some()).await;
    let file = only_file(&folder).unwrap();
    let patch = &read(&file)["calls"][0]["asked"]["patch"];
    assert_eq!((&patch["starts_at_ms"], &patch["name"]), (&json!({"set": null}), &Value::Null));
    assert!(replays_the_same(file, Some(unruly_rules())).await);
}

#[test]
fn every_call_is_the_same_after_it_was_written_and_read() {
    let event = json!({
        "id": "e", "name": "n", "capacity": 5, "available": 4, "reserved": 1, "confirmed": 0, "starts_at_ms": u64::MAX,
        "tags": ["a"], "attributes": "{}", "created_at_ms": 0, "version": 2,
    });
    let patch = |starts: Value| json!({"id": "e", "patch": {"name": "n", "capacity": null, "starts_at_ms": starts, "tags": [], "attributes": null, "if_version": 3}});
    let query = json!({
        "limit": 1, "cursor": null, "words": "w", "tag": null, "starts_after_ms": 1, "starts_before_ms": null,
        "available_only": true,
    });
    let calls = [
        json!({"function": "events.get", "asked": "e", "said": {"answer": event}}),
        json!({"function": "events.get", "asked": "e", "said": {"refusal": "EventNotFound"}}),
        json!({"function": "events.list", "asked": query, "said": "pending"}),
        json!({"function": "events.update", "asked": patch(Value::Null), "said": {"refusal": {"VersionMismatch": 2}}}),
        json!({"function": "events.update", "asked": patch(json!({"set": null})), "said": {"answer": event}}),
        json!({"function": "events.update", "asked": patch(json!({"set": 7})), "said": {"store-failure": "overloaded"}}),
        json!({"function": "tickets.confirm", "asked": "t", "said": {"store-failure": {"internal": "why"}}}),
    ];
    for call in calls {
        let read: Exchange = serde_json::from_value(call.clone()).unwrap_or_else(|why| panic!("{call}: {why}"));
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written, call);
        assert_eq!(serde_json::from_str::<Exchange>(&written.to_string()).unwrap(), read);
    }
}

#[tokio::test]
async fn requests_that_share_their_id_and_their_moment_are_both_kept() {
    let folder = TempDir::new().unwrap();
    let record = |s: &mut Serve| {
        s.recording.record = Some(folder.path().join("recordings"));
        s.recording.record_sample = 1;
    };
    let server = TestServer::builder().with(record).start().await;
    for path in ["/events", "/events/nothing"] {
        server.get(path).header("x-request-id", "mine").send().await;
    }
    until("both are recorded", async || files(&folder).len() == 2).await;
    let paths: Vec<_> = files(&folder).iter().map(|file| read(file)["request"]["path"].clone()).collect();
    assert!(paths.contains(&json!("/events")) && paths.contains(&json!("/events/nothing")), "{paths:?}");
}
