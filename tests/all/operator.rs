//! The operator's surface: who is let in, what it answers, and that whatever it refuses changes nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::time::Duration;

use boxoffice::STANDARD_RULES;
use boxoffice::wasm::CompilerProgram;
use harness::{
    Answer, Call, Operator, TOKEN, TestServer, logged, raw, token_file, under_another_digest, until, watched_id,
};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::made::Made;

/// A server with an operator.
async fn operated() -> (TestServer, Operator, NamedTempFile) {
    operated_with(|_| {}).await
}

async fn operated_with(change: impl FnOnce(&mut boxoffice::config::Serve)) -> (TestServer, Operator, NamedTempFile) {
    let file = token_file();
    let token = file.path().to_owned();
    let builder = TestServer::builder().with(|s| s.operating.admin_token_file = Some(token)).with(change);
    let server = builder.start().await;
    let operator = Operator::of(&server);
    (server, operator, file)
}

fn version(name: &str) -> Vec<u8> {
    under_another_digest(STANDARD_RULES, name)
}

/// Which version serves, and whether it does.
async fn active(server: &TestServer) -> String {
    let answer = server.get("/events").send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    server.server().module().digest.to_string()
}

/// The head of an upload, of which so many bytes are to come.
fn upload_head(length: usize, more: &str) -> String {
    format!(
        "POST /v1/modules HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/wasm\r\n\
         content-length: {length}\r\n{more}\r\n"
    )
}

/// An upload that is under way: the server waits for the rest of it.
async fn half_an_upload(server: &TestServer, component: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.admin_address()).await.unwrap();
    let head = upload_head(component.len(), "expect: 100-continue\r\nconnection: close\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&component[..component.len() / 2]).await.unwrap();
    stream
}

async fn uploads(operator: &Operator) -> bool {
    // What is no module is refused quickly, whoever else uploads.
    operator.push(b"nothing".to_vec()).await.code() != "upload_in_progress"
}

#[tokio::test]
async fn without_a_token_only_health_readiness_and_metrics_answer() {
    let server = TestServer::start().await;
    let call = |method, path| Call::new(server.admin_address(), method, path);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(call("GET", path).send().await.status, 200);
        assert_eq!(call("HEAD", path).send().await.status, 200);
        let refused = call("POST", path).send().await;
        refused.assert_problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), "GET, HEAD");
    }
    for (method, path) in [("GET", "/v1/modules"), ("POST", "/v1/rollback"), ("GET", "/v1"), ("PUT", "/v1/anything")] {
        let refused = call(method, path).header("authorization", &format!("Bearer {TOKEN}")).send().await;
        refused.assert_problem(403, "operator_token_not_configured");
        assert!(refused.body["advice"].as_str().unwrap().contains("--admin-token-file"), "{}", refused.text);
    }
    for path in ["/", "/v2/modules", "/v1modules", "/events"] {
        call("GET", path).send().await.assert_problem(404, "route_not_found");
    }
}

#[tokio::test]
async fn whoever_is_not_the_operator_is_refused_before_the_path_is_looked_at() {
    let (server, operator, _file) = operated().await;
    let right = format!("Bearer {TOKEN}");
    let wrong: [&[&str]; 11] = [
        &[],
        &["Bearer the-token-of-another"],
        &["Bearer"],
        &["Bearer "],
        &[TOKEN],
        &["Basic dGhlLXRva2VuLW9mLWEtdGVzdA=="],
        &["Bearer the-token-of-a-tes"],
        &["Bearer the-token-of-a-testt"],
        &["Bearer the-token-of-a-test more"],
        &["Bearerthe-token-of-a-test"],
        &[&right, &right],
    ];
    for headers in wrong {
        for (method, path) in [("GET", "/v1/modules"), ("DELETE", "/v1/nothing"), ("POST", "/v1/modules")] {
            let call = Call::new(server.admin_address(), method, path).header("x-boxoffice-operator-token", TOKEN);
            let call = headers.iter().fold(call, |call, value| call.header("authorization", value));
            let refused = call.send().await;
            refused.assert_problem(401, "unauthenticated");
            assert_eq!(refused.header("www-authenticate"), "Bearer");
            assert!(!refused.text.contains(TOKEN), "{}", refused.text);
        }
    }
    // The scheme's case does not matter (RFC 9110, 11.1).
    let call =
        Call::new(server.admin_address(), "GET", "/v1/modules").header("authorization", "bEARER the-token-of-a-test");
    assert_eq!(call.send().await.status, 200);
    operator.call("GET", "/v1/nothing").send().await.assert_problem(404, "route_not_found");
}

#[tokio::test]
async fn a_stranger_is_refused_before_anything_of_a_body_is_read() {
    let (server, _operator, _file) = operated().await;
    let head = upload_head(1000, "expect: 100-continue\r\n").replace(TOKEN, "the-token-of-another");
    let answer = raw(server.admin_address(), head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && !answer.contains("100 Continue"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn an_upload_is_kept_and_listed_and_serves_nobody_yet() {
    let (server, operator, _file) = operated().await;
    let before = active(&server).await;
    let component = version("first");
    let first = operator.push(component.clone()).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let digest = first.body["digest"].as_str().unwrap();
    assert_eq!(first.header("location"), format!("/v1/modules/{digest}"));
    assert_eq!((&first.body["name"], &first.body["known"]), (&json!("standard"), &json!(false)));
    assert_eq!(first.body["bytes"], component.len());
    let again = operator.push(component).await;
    assert_eq!((again.status, &again.body["known"]), (200, &json!(true)));
    assert_eq!(again.header("location"), first.header("location"));

    let listed = operator.call("GET", first.header("location")).send().await;
    assert_eq!((listed.status, &listed.body["state"]), (200, &json!("checked")), "{}", listed.text);
    assert_eq!(listed.body["uploaded_at"], "2026-11-21T09:30:00.000Z");
    let list = operator.list().await;
    assert_eq!((list["active"].as_str(), list["modules"].as_array().unwrap().len()), (Some(&before[..]), 2));
    assert_eq!((&list["modules"][0]["id"], &list["modules"][0]["state"]), (&json!("standard"), &json!("active")));
    assert_eq!(list["modules"][1], listed.body);
    assert_eq!(active(&server).await, before);
    let media = operator.call("POST", "/v1/modules").header("content-type", "application/octet-stream");
    assert_eq!(media.body(version("second")).send().await.status, 201);
}

#[tokio::test]
async fn a_module_that_would_not_be_served_is_refused_by_name_and_nothing_changes() {
    let (server, operator, _file) = operated().await;
    let before = (active(&server).await, operator.list().await);
    let text = |text: &str| wat::parse_str(text).unwrap();
    let newer = r#"(component (import "boxoffice:rules/tickets@0.2.0" (instance)))"#;
    let cases = [
        (version("cut")[..STANDARD_RULES.len() / 2].to_vec(), "not-a-component"),
        (Vec::new(), "not-a-component"),
        (text("(component)"), "wrong-exports"),
        (text(newer), "wrong-imports"),
        (Made { describe: "(loop $l (br $l))", ..Made::default() }.component(), "no-manifest"),
        (Made { handle: "unreachable", ..Made::default() }.component(), "smoke-call"),
        (Made { name: "a b\nc".into(), ..Made::default() }.component(), "bad-manifest"),
    ];
    for (bytes, refusal) in cases {
        let refused = operator.push(bytes).await;
        refused.assert_problem(422, "module_refused");
        assert_eq!(refused.body["refusal"], refusal, "{}", refused.text);
        assert!(refused.body["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{}", refused.text);
        assert_eq!((active(&server).await, operator.list().await), before);
    }
}

#[tokio::test]
async fn what_is_too_large_or_not_said_to_be_a_module_is_refused() {
    let (server, operator, _file) = operated().await;
    let before = (active(&server).await, operator.list().await);
    let upload = || operator.call("POST", "/v1/modules");
    for media in ["application/json", "text/plain", "application/wasmm", ""] {
        let refused = upload().header("content-type", media).body(version("x")).send().await;
        refused.assert_problem(415, "unsupported_media_type");
    }
    let gzip = upload().header("content-type", "application/wasm").header("content-encoding", "gzip");
    gzip.body("x").send().await.assert_problem(415, "unsupported_media_type");
    // Said to be 200 MiB, and sent: what is refused is read to its end, so that the client sees why.
    let refused = operator.push(vec![0; 200 * 1024 * 1024]).await;
    refused.assert_problem(413, "body_too_large");
    // The same, asked for first: nothing of it is read.
    let head = upload_head(200 * 1024 * 1024, "expect: 100-continue\r\n");
    let answer = raw(server.admin_address(), head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    // Without a length it is found out while it comes.
    let mut stream = TcpStream::connect(server.admin_address()).await.unwrap();
    let head = upload_head(0, "connection: close\r\n").replace("content-length: 0", "transfer-encoding: chunked");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = [b"100000\r\n".to_vec(), vec![0; 0x10_0000], b"\r\n".to_vec()].concat();
    for _ in 0..65 {
        stream.write_all(&chunk).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("body_too_large"), "{answer}");
    let twice = upload().header("x-boxoffice-signature", "a").header("x-boxoffice-signature", "b");
    let twice = twice.header("content-type", "application/wasm").body(version("x")).send().await;
    twice.assert_problem(400, "invalid_request");
    assert_eq!((active(&server).await, operator.list().await), before);
}

#[tokio::test]
async fn one_upload_at_a_time() {
    let (server, operator, _file) = operated().await;
    let before = active(&server).await;
    let (first, second) = (version("first"), version("second"));
    let mut stream = half_an_upload(&server, &first).await;
    let refused = operator.push(second.clone()).await;
    refused.assert_problem(409, "upload_in_progress");
    // Meanwhile everything else answers.
    assert_eq!(operator.list().await["modules"].as_array().unwrap().len(), 1);
    for path in ["/readyz", "/metrics"] {
        assert_eq!(Call::new(server.admin_address(), "GET", path).send().await.status, 200);
    }
    assert_eq!(active(&server).await, before);
    stream.write_all(&first[first.len() / 2..]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    operator.pushed(second).await;
}

#[tokio::test]
async fn an_upload_that_is_given_up_makes_room_for_the_next() {
    let (server, operator, _file) = operated_with(|s| s.operating.upload_timeout = Duration::from_millis(300)).await;
    let component = version("first");
    drop(half_an_upload(&server, &component).await);
    until("the one that went away is forgotten", async || uploads(&operator).await).await;
    // One that stalls is ended.
    let mut stalled = half_an_upload(&server, &component).await;
    let mut answer = String::new();
    stalled.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
    assert!(uploads(&operator).await);
    assert_eq!(operator.list().await["modules"].as_array().unwrap().len(), 1, "nothing was kept");
}

/// A component whose compilation takes minutes.
fn slow_to_compile() -> Vec<u8> {
    let body = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(20_000);
    let function = format!("(func (param i32) {body})");
    let core = format!("(module {})", function.repeat(60));
    let component = format!("(component (core {}", &core[1..]) + ")";
    wat::parse_str(component).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compilation_blocks_nobody_and_ends_with_its_client() {
    let mark = "compiles-for-nobody";
    let (server, operator, _file) = operated_with(|s| {
        let CompilerProgram::Started { arguments, .. } = &mut s.compiling.program else { panic!("a process") };
        arguments.push(mark.to_owned());
    })
    .await;
    let component = slow_to_compile();
    let mut stream = half_an_upload(&server, &component).await;
    stream.write_all(&component[component.len() / 2..]).await.unwrap();
    until("it compiles", async || compilers(mark) > 0).await;
    for path in ["/readyz", "/metrics"] {
        assert_eq!(Call::new(server.admin_address(), "GET", path).send().await.status, 200);
    }
    assert_eq!(operator.list().await["modules"].as_array().unwrap().len(), 1);
    assert_eq!(operator.activate("standard", &json!({"mode": "all"})).await.status, 200);
    operator.push(version("x")).await.assert_problem(409, "upload_in_progress");
    active(&server).await;
    drop(stream);
    until("the next may upload", async || uploads(&operator).await).await;
    until("the compiler is gone", async || compilers(mark) == 0).await;
}

/// Compilers that were started with this beside the usual argument.
fn compilers(mark: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let command = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&command).split('\0').any(|argument| argument == mark).then_some(())
    });
    processes.count()
}

#[tokio::test]
async fn how_a_module_is_to_serve_must_be_said_exactly() {
    let (server, operator, _file) = operated().await;
    let digest = operator.pushed(version("first")).await;
    let before = (active(&server).await, operator.list().await);
    let bad = [
        json!({}),
        json!([]),
        json!({"mode": "everybody"}),
        json!({"mode": "all", "percent": 5}),
        json!({"mode": "canary"}),
        json!({"mode": "canary", "percent": "5"}),
        json!({"mode": "canary", "percent": 5, "for": "an hour"}),
        json!({"mode": "shadow", "percent": 5}),
    ];
    for body in bad {
        let refused = operator.activate(&digest, &body).await;
        refused.assert_problem(400, "invalid_request");
        assert!(refused.text.contains("canary"), "it says what can be said: {}", refused.text);
    }
    for percent in [json!(101), json!(0), json!(-1), json!(0.001), json!(1e9)] {
        let refused = operator.activate(&digest, &json!({"mode": "canary", "percent": percent})).await;
        refused.assert_problem(400, "invalid_percent");
    }
    let call = || operator.call("POST", &format!("/v1/modules/{digest}/activate"));
    let json = |call: Call| call.header("content-type", "application/json");
    json(call()).body("{\"mode\":").send().await.assert_problem(400, "invalid_request");
    json(call()).body(vec![b' '; 5000]).send().await.assert_problem(413, "body_too_large");
    call().body("{\"mode\":\"all\"}").send().await.assert_problem(415, "unsupported_media_type");
    for (asked, status, code) in [("0000", 404, "module_not_found"), ("%ff", 404, "module_not_found")] {
        operator.activate(asked, &json!({"mode": "all"})).await.assert_problem(status, code);
    }
    let canary = operator.activate("standard", &json!({"mode": "canary", "percent": 5})).await;
    canary.assert_problem(409, "already_active");
    operator.activate(&digest, &json!({"mode": "off"})).await.assert_problem(409, "module_not_in_use");
    operator.activate("standard", &json!({"mode": "off"})).await.assert_problem(409, "module_in_use");
    assert_eq!((active(&server).await, operator.list().await), before);
}

#[tokio::test]
async fn a_module_is_named_by_the_beginning_of_its_digest_if_only_one_begins_so() {
    let (server, operator, _file) = operated().await;
    let mut digests = Vec::new();
    for n in 0..16 {
        let made = Made { summary: format!("Version {n}"), ..Made::default() };
        digests.push(operator.pushed(made.component()).await);
    }
    let first = |digest: &String| digest[..1].to_owned();
    let mut firsts: Vec<_> = digests.iter().map(first).collect();
    firsts.sort_unstable();
    let twice = firsts.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone());
    let twice = twice.expect("two of these begin with the same digit; the digests are always the same");
    operator.activate(&twice, &json!({"mode": "all"})).await.assert_problem(400, "module_ambiguous");
    let answer = operator.activate(&digests[3][..12], &json!({"mode": "all"})).await;
    assert_eq!((answer.status, &answer.body["state"]), (200, &json!("active")), "{}", answer.text);
    assert_eq!(server.server().module().digest.to_string(), digests[3]);
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted() {
    let (server, operator, _file) = operated().await;
    let (first, second) = (operator.pushed(version("first")).await, operator.pushed(version("second")).await);
    let delete =
        async |asked: &str| -> Answer { operator.call("DELETE", &format!("/v1/modules/{asked}")).send().await };
    operator.activate_for_all(&first).await;
    operator.activate(&second, &json!({"mode": "canary", "percent": 50})).await;
    for asked in [&first, &second] {
        delete(asked).await.assert_problem(409, "module_in_use");
    }
    delete("standard").await.assert_problem(409, "built_in");
    delete("0000").await.assert_problem(404, "module_not_found");
    assert_eq!(active(&server).await, first);
    assert_eq!(operator.activate(&second, &json!({"mode": "off"})).await.body["state"], "checked");
    let deleted = delete(&second).await;
    assert_eq!((deleted.status, deleted.body), (200, json!({"deleted": second})));
    delete(&second).await.assert_problem(404, "module_not_found");
    assert_eq!(operator.list().await["modules"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn rolling_back_ends_a_canary_first_and_then_goes_back_version_by_version() {
    let (server, operator, _file) = operated().await;
    let standard = active(&server).await;
    let (first, second) = (operator.pushed(version("first")).await, operator.pushed(version("second")).await);
    let back = async || -> Answer { operator.call("POST", "/v1/rollback").send().await };
    back().await.assert_problem(409, "nothing_before");
    operator.activate_for_all(&first).await;
    operator.activate_for_all(&second).await;
    operator.activate("standard", &json!({"mode": "canary", "percent": 50})).await;
    let canary = &operator.list().await["canary"];
    assert_eq!((&canary["id"], &canary["percent"]), (&json!("standard"), &json!(50.0)));
    assert_eq!(canary["seen"]["requests"], 0);
    assert_eq!(back().await.body, json!({"active": second, "ended_canary": "standard"}));
    assert_eq!(back().await.body, json!({"active": first, "ended_canary": null}));
    assert_eq!(active(&server).await, first);
    assert_eq!(back().await.body, json!({"active": "standard", "ended_canary": null}));
    assert_eq!(active(&server).await, standard);
    back().await.assert_problem(409, "nothing_before");
    let body = operator.call("POST", "/v1/rollback").json(&json!({"to": first})).send().await;
    body.assert_problem(400, "invalid_request");
    operator.activate_for_all(&first).await;
    operator.activate(&second, &json!({"mode": "canary", "percent": 50})).await;
    let body = operator.call("POST", "/v1/rollback").json(&json!({"active": true})).send().await.body;
    assert_eq!(body, json!({"active": "standard", "ended_canary": second}), "behind the active one, and no canary");
    let list = operator.list().await;
    let events: Vec<_> = list["history"].as_array().unwrap().iter().map(|step| step["event"].clone()).collect();
    let told = ["rolled-back", "canary", "activated", "rolled-back", "rolled-back", "off", "canary"];
    assert_eq!(events[..7], told.map(Value::from));
}

#[tokio::test]
async fn pinned_rules_are_not_changed() {
    let file = token_file();
    let token = file.path().to_owned();
    let builder = TestServer::builder().rules(harness::exact_rules());
    let server = builder.with(|s| s.operating.admin_token_file = Some(token)).start().await;
    let operator = Operator::of(&server);
    let pinned = server.server().module().digest;
    let digest = operator.pushed(version("first")).await;
    for answer in [
        operator.activate(&digest, &json!({"mode": "all"})).await,
        operator.activate("standard", &json!({"mode": "canary", "percent": 5})).await,
        operator.call("POST", "/v1/rollback").send().await,
    ] {
        answer.assert_problem(409, "pinned");
    }
    let list = operator.list().await;
    assert!(list["pinned"].as_str().unwrap().contains("exact_rules"), "{list}");
    assert!(list["modules"].as_array().unwrap().iter().all(|module| module["state"] == "checked"), "{list}");
    assert_eq!(server.server().module().digest, pinned);
}

#[tokio::test]
async fn paths_have_their_methods() {
    let (_server, operator, _file) = operated().await;
    let cases = [
        ("PUT", "/v1/modules", "GET, HEAD, POST"),
        ("POST", "/v1/modules/standard", "GET, HEAD, DELETE"),
        ("GET", "/v1/modules/standard/activate", "POST"),
        ("GET", "/v1/rollback", "POST"),
        ("DELETE", "/v1/invariants", "GET, HEAD"),
    ];
    for (method, path, allow) in cases {
        let refused = operator.call(method, path).send().await;
        refused.assert_problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), allow);
    }
    for path in ["/v1", "/v1/", "/v1/modules/", "/v1/modules/standard/", "/v1/modules/standard/activate/x"] {
        operator.call("GET", path).send().await.assert_problem(404, "route_not_found");
    }
    let head = operator.call("HEAD", "/v1/modules").send().await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn the_invariants_are_proved_on_the_running_host() {
    let (server, operator, _file) = operated().await;
    let event = server.event(3).await;
    server.hold(&event, "ada@example.org").await;
    let prove = async || operator.call("GET", "/v1/invariants").send().await.body;
    assert_eq!(prove().await, json!({"sound": true, "violations": []}));
    let spoil = |change: &str| {
        let db = rusqlite::Connection::open(server.db()).unwrap();
        db.pragma_update(None, "ignore_check_constraints", true).unwrap();
        assert_eq!(db.execute(&format!("UPDATE events SET available_spots = {change}"), []).unwrap(), 1);
    };
    spoil("3");
    let found = prove().await;
    assert_eq!((&found["sound"], found["violations"].as_array().unwrap().len()), (&json!(false), 1), "{found}");
    assert!(found["violations"][0].as_str().unwrap().contains(&event), "{found}");
    spoil("2");
    assert_eq!(prove().await["sound"], true);
}

#[tokio::test]
async fn every_action_is_a_line_in_the_log() {
    let (_server, operator, _file) = operated().await;
    let digest = operator.pushed(version("first")).await;
    let line = async |call: Call| {
        let id = watched_id();
        call.header("x-request-id", &id).send().await;
        logged(&id).into_iter().find(|line| line.target == "operator")
    };
    let activate = operator.call("POST", &format!("/v1/modules/{}/activate", &digest[..8]));
    let done = line(activate.clone().json(&json!({"mode": "canary", "percent": 5}))).await.unwrap();
    let fields = ["action", "module", "mode", "outcome", "status"].map(|name| done.field(name));
    assert_eq!(fields, ["activate", &digest, "canary 5 %", "done", "200"]);
    assert!(done.field("address").starts_with("127.1."), "{done:?}");
    let refused = line(activate.json(&json!({"mode": "canary", "percent": 101}))).await.unwrap();
    assert_eq!((refused.field("outcome"), refused.field("status")), ("refused", "400"));
    assert!(refused.field("why").starts_with("invalid_percent: "), "{refused:?}");
    assert!(line(operator.call("GET", "/v1/modules")).await.is_none(), "looking is no action");
}

#[tokio::test]
async fn the_end_of_the_host_ends_an_upload() {
    let grace = Duration::from_millis(200);
    let (server, _operator, _file) = operated_with(|s| s.grace = grace).await;
    let mut stream = half_an_upload(&server, &version("first")).await;
    let stopped = tokio::time::timeout(Duration::from_secs(20), server.stop()).await;
    assert!(stopped.is_ok(), "it does not wait for the rest of it");
    let mut answer = String::new();
    // Closed or reset.
    let _ = stream.read_to_string(&mut answer).await;
    assert_eq!(answer, "");
}
