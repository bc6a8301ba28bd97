//! Recordings of what only a broken machine does: the store fails.

use std::path::PathBuf;

use boxoffice::cli;
use boxoffice::config::{Replay, RulesCommand};
use boxoffice::store::sqlite::{CommitFault, Faults};
use harness::{TestServer, settings, until};
use serde_json::{Value, json};
use tempfile::TempDir;

fn only_file(folder: &TempDir) -> Option<PathBuf> {
    let mut found = std::fs::read_dir(folder.path().join("recordings")).ok()?.flatten().map(|entry| entry.path());
    found.find(|path| path.extension().is_some_and(|ending| ending == "json"))
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

    let compiling = settings().compiling;
    let replay = Replay { file, rules: None, modules_dir: PathBuf::from("no such folder"), json: true, compiling };
    // The command has a runtime of its own.
    let code = tokio::task::spawn_blocking(|| cli::rules(RulesCommand::Replay(Box::new(replay)))).await.unwrap();
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
}
