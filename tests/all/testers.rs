//! Testers pick a version by header, with the operator's token; nobody else does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use harness::{TOKEN, TestServer, token_file, unruly_rules};
use tempfile::NamedTempFile;

/// A server with the standard rules active, and the module that misbehaves uploaded and in no role. Gives its digest, too.
async fn with_another() -> (TestServer, String, NamedTempFile) {
    let file = token_file();
    let path = file.path().to_owned();
    let server = TestServer::builder().with(|s| s.operating.admin_token_file = Some(path)).start().await;
    let bytes = std::fs::read(unruly_rules()).unwrap();
    let digest = server.server().registry().upload(bytes).await.unwrap().digest;
    (server, digest.to_string(), file)
}

#[tokio::test]
async fn a_tester_picks_a_version_and_is_told_which_answered() {
    let (server, digest, _file) = with_another().await;
    server.get("/fine").send().await.assert_problem(404, "route_not_found");
    for name in [&digest, &digest[..12]] {
        let call = server.get("/fine").header("x-boxoffice-rules", name);
        let answer = call.header("x-boxoffice-operator-token", TOKEN).send().await;
        assert_eq!((answer.status, answer.header("x-boxoffice-rules")), (200, &digest[..12]));
    }
    for name in ["active", "standard"] {
        let call = server.get("/events").header("x-boxoffice-rules", name);
        let answer = call.header("x-boxoffice-operator-token", TOKEN).send().await;
        assert_eq!((answer.status, answer.header("x-boxoffice-rules").len()), (200, 12), "{name}");
    }
    let others = server.get("/events").send().await;
    assert_eq!((others.status, others.header("x-boxoffice-rules")), (200, ""));
}

#[tokio::test]
async fn without_the_token_nobody_picks_a_version_or_learns_which_there_are() {
    let (server, digest, _file) = with_another().await;
    for name in [digest.as_str(), "active", "0000", ""] {
        let call = || server.get("/fine").header("x-boxoffice-rules", name);
        let wrong = [
            call(),
            call().header("x-boxoffice-operator-token", ""),
            call().header("x-boxoffice-operator-token", "the-token-of-a-tesT"),
            call().header("x-boxoffice-operator-token", TOKEN).header("x-boxoffice-operator-token", TOKEN),
            call().header("authorization", &format!("Bearer {TOKEN}")),
        ];
        for call in wrong {
            call.send().await.assert_problem(403, "forbidden");
        }
    }
    let plain = TestServer::start().await;
    let call = plain.get("/events").header("x-boxoffice-rules", "active").header("x-boxoffice-operator-token", "");
    call.send().await.assert_problem(403, "forbidden");
}

#[tokio::test]
async fn a_version_that_there_is_not_is_named_in_the_refusal() {
    let (server, _, _file) = with_another().await;
    for name in ["canary", "0000000000", ""] {
        let call = server.get("/fine").header("x-boxoffice-rules", name).header("x-boxoffice-operator-token", TOKEN);
        let refused = call.send().await;
        refused.assert_problem(400, "invalid_request");
    }
}
