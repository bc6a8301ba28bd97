//! Testers pick a version by header, with the operator's token; nobody else does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use harness::{TOKEN, TestServer, fresh_address, token_file, under_another_digest, unruly_rules};
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
async fn a_tester_reads_the_description_of_the_version_that_it_picks_and_others_that_of_the_active_one() {
    let (server, digest, _file) = with_another().await;
    let active = server.server().module().digest.to_string();
    let described = async |asked: Option<&str>| {
        let call = server.get("/openapi.json");
        let call = asked.into_iter().fold(call, |call, name| {
            call.header("x-boxoffice-rules", name).header("x-boxoffice-operator-token", TOKEN)
        });
        let answer = call.send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let told = answer.body["info"]["x-boxoffice-rules"]["digest"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("x-boxoffice-rules"), asked.map_or("", |_| &told[..12]));
        (told, answer.header("etag").to_owned(), answer.body["paths"].get("/fine").is_some())
    };
    let (others, tag, fine) = described(None).await;
    assert_eq!((others.as_str(), fine), (active.as_str(), false));
    let (testers, other_tag, fine) = described(Some(&digest)).await;
    assert_eq!((testers.as_str(), fine), (digest.as_str(), true));
    assert_ne!(tag, other_tag);
    // In turn, as often as one likes, and whatever else is looked at meanwhile.
    let bytes = std::fs::read(unruly_rules()).unwrap();
    for n in 0..3 {
        let more = under_another_digest(&bytes, &n.to_string());
        let more = server.server().registry().upload(more).await.unwrap().digest.to_string();
        assert_eq!(described(Some(&more)).await.0, more);
        assert_eq!(described(None).await, (active.clone(), tag.clone(), false));
        assert_eq!(described(Some(&digest)).await, (digest.clone(), other_tag.clone(), true));
    }
}

#[tokio::test]
async fn on_the_hosts_own_routes_a_tester_is_asked_for_the_token_and_a_version_that_there_is() {
    let (server, digest, _file) = with_another().await;
    for path in boxoffice::own_paths() {
        let call = || server.get(path).from(fresh_address());
        let wrong = call().header("x-boxoffice-rules", &digest).header("x-boxoffice-operator-token", "guessed");
        wrong.send().await.assert_problem(403, "forbidden");
        call().header("x-boxoffice-rules", &digest).send().await.assert_problem(403, "forbidden");
        let nothing = call().header("x-boxoffice-rules", "0000000000").header("x-boxoffice-operator-token", TOKEN);
        nothing.send().await.assert_problem(400, "invalid_request");
    }
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
