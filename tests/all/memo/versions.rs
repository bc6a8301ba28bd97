//! Whoever compares versions, or looks at runs, sees a run for each request; and no version answers with another's.

use boxoffice::config::Serve;
use boxoffice::registry::{Back, Mode, Share};
use harness::{Builder, TOKEN, TestServer, altered_rules, under_another_digest};
use serde_json::json;
use tempfile::TempDir;

use super::{ask, is_kept};

fn builder() -> Builder {
    TestServer::builder().own_engine().with(|s: &mut Serve| s.operating.canary_min_requests = 1_000)
}

/// Uploads the standard rules with planted differences; gives the digest.
async fn altered(server: &TestServer) -> String {
    let bytes = std::fs::read(altered_rules()).expect("it was built");
    server.server().registry().upload(bytes).await.expect("it loads").digest.to_string()
}

async fn activate(server: &TestServer, digest: &str, mode: Mode) {
    server.server().registry().activate(digest, mode).await.expect("it can be activated");
}

async fn runs_always(server: &TestServer) -> bool {
    let mut ran = true;
    for _ in 0..3 {
        ran &= !is_kept(server.get("/events")).await;
    }
    ran
}

#[tokio::test]
async fn each_version_answers_for_itself_after_a_swap_and_after_a_rollback() {
    let server = builder().start().await;
    let new = json!({"name": "planted answer", "capacity": 5});
    let event = server.post("/events").role("organizer").json(&new).send().await.body["id"].clone();
    let path = format!("/events/{}", event.as_str().expect("an id"));
    let other = altered(&server).await;
    let planted = async |server: &TestServer| {
        let (answer, kept) = ask(server.get(&path)).await;
        (answer.body.get("planted").is_some(), kept)
    };
    assert_eq!([planted(&server).await, planted(&server).await], [(false, false), (false, true)]);
    activate(&server, &other, Mode::All).await;
    assert_eq!([planted(&server).await, planted(&server).await], [(true, false), (true, true)]);
    server.server().registry().roll_back(Back::Step).await.expect("there is one to go back to");
    assert_eq!(planted(&server).await, (false, true), "what it answered before is true still");
    server.event(1).await;
    assert_eq!([planted(&server).await, planted(&server).await], [(false, false), (false, true)]);
}

#[tokio::test]
async fn while_a_canary_is_compared_every_request_runs() {
    let server = builder().start().await;
    server.event(1).await;
    let canary = altered(&server).await;
    assert!(!is_kept(server.get("/events")).await && is_kept(server.get("/events")).await);
    activate(&server, &canary, Mode::Canary(Share::percent(1.0).expect("a share"))).await;
    assert!(runs_always(&server).await);
    activate(&server, &canary, Mode::Off).await;
    assert!(is_kept(server.get("/events")).await);
}

#[tokio::test]
async fn while_a_shadow_looks_every_request_runs() {
    let server = builder().start().await;
    server.event(1).await;
    let shadow = altered(&server).await;
    assert!(!is_kept(server.get("/events")).await && is_kept(server.get("/events")).await);
    activate(&server, &shadow, Mode::Shadow).await;
    assert!(runs_always(&server).await);
    activate(&server, &shadow, Mode::Off).await;
    assert!(is_kept(server.get("/events")).await);
}

#[tokio::test]
async fn while_requests_are_recorded_every_one_runs() {
    let folder = TempDir::new().expect("a temporary folder");
    let server = builder().with(|s| s.recording.record = Some(folder.path().join("recordings"))).start().await;
    server.event(1).await;
    assert!(runs_always(&server).await);
}

#[tokio::test]
async fn a_tester_sees_a_run_and_leaves_nothing_behind() {
    let server = builder().operated().start().await;
    server.event(1).await;
    let tester = || {
        let call = server.get("/events").header("x-boxoffice-rules", "active");
        call.header("x-boxoffice-operator-token", TOKEN)
    };
    assert!(!is_kept(tester()).await && !is_kept(tester()).await);
    assert!(!is_kept(server.get("/events")).await && is_kept(server.get("/events")).await);
    let (answer, kept) = ask(tester()).await;
    assert!(!kept && !answer.header("x-boxoffice-rules").is_empty());
    let (answer, kept) = ask(server.get("/events")).await;
    assert!(kept && answer.header("x-boxoffice-rules").is_empty());
}

#[tokio::test]
async fn a_module_of_the_same_words_under_another_digest_is_another() {
    let server = builder().start().await;
    server.event(1).await;
    let first = altered(&server).await;
    let bytes = std::fs::read(altered_rules()).expect("it was built");
    let second = server.server().registry().upload(under_another_digest(&bytes, "second")).await;
    let second = second.expect("it loads").digest.to_string();
    for digest in [first, second] {
        activate(&server, &digest, Mode::All).await;
        assert!(!is_kept(server.get("/events")).await && is_kept(server.get("/events")).await);
    }
}
