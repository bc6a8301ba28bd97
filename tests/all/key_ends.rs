//! How API keys end: revoked while the host cannot write, during a request, by the clock that everybody has; and what becomes of their rows.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::time::Duration;

use boxoffice::clock::Clock as _;
use boxoffice::domain::Millis;
use boxoffice::store::sqlite::{CommitFault, Faults};
use harness::{Answer, Operator, START, TestServer, until};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MINUTE: Duration = Duration::from_mins(1);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn host(change: impl FnOnce(harness::Builder) -> harness::Builder) -> (TestServer, Operator) {
    let server = change(TestServer::builder().auth("keys").operated()).start().await;
    let operator = Operator::of(&server);
    (server, operator)
}

/// A key, and its id.
async fn made(operator: &Operator, more: Value) -> (String, String) {
    let mut wish = json!({"name": "x", "roles": ["organizer"]});
    wish.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
    let made = operator.create_key(&wish).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
    (text("key"), text("id"))
}

async fn revoke(operator: &Operator, id: &str) -> Answer {
    operator.call("DELETE", &format!("/v1/keys/{id}")).send().await
}

async fn status(server: &TestServer, key: &str) -> u16 {
    server.get("/events").bearer(key).send().await.status
}

/// The ids of all keys that are listed, and their states.
async fn listed(operator: &Operator) -> Vec<(String, String)> {
    let list = operator.call("GET", "/v1/keys").send().await;
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    list.body["keys"].as_array().unwrap().iter().map(|key| (text(key, "id"), text(key, "state"))).collect()
}

#[tokio::test]
async fn a_key_is_revoked_at_once_on_a_full_disk_and_the_answer_says_that_it_is_not_written() {
    let faults = Faults::default();
    let (server, operator) = host(|server| server.store(|options| options.faults = faults.clone())).await;
    let (key, id) = made(&operator, json!({})).await;
    assert_eq!(status(&server, &key).await, 200);
    faults.fail_commit(1, CommitFault::DiskFull);
    revoke(&operator, &id).await.assert_problem(503, "overloaded");
    assert_eq!(status(&server, &key).await, 401);
    assert_eq!(listed(&operator).await, [(id.clone(), "active".to_owned())], "as the database has it");
    let again = revoke(&operator, &id).await;
    assert_eq!((again.status, &again.body["state"]), (200, &json!("revoked")), "{}", again.text);
    let server = server.stop().await;
    let server = TestServer::builder().auth("keys").database_of(server).start().await;
    assert_eq!(status(&server, &key).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_revoked_at_once_while_the_writer_stands_still() {
    let (server, operator) = host(|server| server.store(|options| options.queue = 1)).await;
    let (key, id) = made(&operator, json!({})).await;
    let (other, other_id) = made(&operator, json!({})).await;
    let gate = Connection::open(server.db()).unwrap();
    gate.busy_timeout(Duration::from_secs(30)).unwrap();
    gate.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (asking, asked) = (operator.clone(), id.clone());
    let waiting = tokio::spawn(async move { revoke(&asking, &asked).await });
    until("the key lets nobody in", async || status(&server, &key).await == 401).await;
    // Whether it waits behind the first one or finds no place, it is in force.
    let waiting_too = tokio::spawn(async move { revoke(&operator, &other_id).await });
    until("nor does the other", async || status(&server, &other).await == 401).await;
    gate.execute_batch("ROLLBACK").unwrap();
    assert_eq!(waiting.await.unwrap().status, 200);
    assert!(matches!(waiting_too.await.unwrap().status, 200 | 503));
}

/// The head of a request with a body of 28 bytes, which does not come.
async fn head(server: &TestServer, key: &str) -> TcpStream {
    let mut stream = server.get("/").connect().await.unwrap();
    let head = format!(
        "POST /events HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: 28\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    until("it is in flight", async || server.server().in_flight() == 1).await;
    stream
}

#[tokio::test]
async fn a_body_that_was_held_back_does_nothing_with_a_key_that_was_revoked_meanwhile() {
    let (server, operator) = host(|server| server.with(|s| s.body_timeout = MINUTE)).await;
    let (key, id) = made(&operator, json!({})).await;
    let (good, _) = made(&operator, json!({})).await;
    for (key, revoked, expected) in [(&key, true, "401"), (&good, false, "201")] {
        let mut late = head(&server, key).await;
        if revoked {
            assert_eq!(revoke(&operator, &id).await.status, 200);
        }
        late.write_all(br#"{"name":"late","capacity":1}"#).await.unwrap();
        let mut answer = String::new();
        late.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{answer}");
        let events = server.get("/events").bearer(&good).send().await;
        let written = usize::from(!revoked);
        assert_eq!(events.body["items"].as_array().map(Vec::len), Some(written), "{}", events.text);
    }
}

#[tokio::test]
async fn keys_end_by_the_wall_clock_and_holds_by_the_host_s_own_time() {
    let (server, operator) = host(|server| server).await;
    let (key, _) = made(&operator, json!({"expires": "2026-11-21T10:30:00Z", "roles": ["user", "organizer"]})).await;
    let event = server.post("/events").bearer(&key).json(&json!({"name": "x", "capacity": 1})).send().await;
    let register = format!("/events/{}/register", event.body["id"].as_str().unwrap());
    let wish = json!({"email": "ada@example.org"});
    assert_eq!(server.post(&register).bearer(&key).json(&wish).send().await.status, 201);
    // The machine stood still for an hour.
    server.clock.set_wall(Millis(START.0 + 60 * 60 * 1000));
    assert_eq!(server.clock.now(), START);
    assert_eq!(status(&server, &key).await, 401);
    let (fresh, _) = made(&operator, json!({"expires": "5m", "roles": ["user"]})).await;
    assert_eq!(operator.call("GET", "/v1/keys").send().await.body["keys"][1]["created_at"], "2026-11-21T10:30:00.000Z");
    assert_eq!(server.server().sweep().await.unwrap(), 0, "the hold has its time still");
    let full = server.post(&register).bearer(&fresh).json(&json!({"email": "bob@example.org"})).send().await;
    assert_eq!((full.status, full.code()), (409, "sold_out"), "{}", full.text);
    server.clock.advance(Duration::from_mins(5));
    assert_eq!(server.server().sweep().await.unwrap(), 1);
    assert_eq!(status(&server, &fresh).await, 401, "both clocks go on together");
}

/// Rows as a host makes them, which nobody can use.
fn fill(server: &std::path::Path, count: u32, expires: Option<i64>, revoked: Option<i64>, name: &str) {
    let mut db = Connection::open(server).unwrap();
    let all = db.transaction().unwrap();
    for n in 0..count {
        let sql = "INSERT INTO api_keys (id, name, subject, roles, created_at_ms, expires_at_ms, revoked_at_ms, secret_hash) \
                   VALUES (printf('%s%012d', ?1, ?2), ?1, 'x', 'user', 1, ?3, ?4, zeroblob(32))";
        all.prepare_cached(sql).unwrap().execute((name, n, expires, revoked)).unwrap();
    }
    all.commit().unwrap();
}

#[tokio::test]
async fn only_keys_in_force_count_against_the_limit() {
    let (server, operator) = host(|server| server).await;
    made(&operator, json!({})).await;
    let dir = server.stop().await;
    let db = dir.path().join("events.db");
    let soon = START.0 + 60 * 60 * 1000;
    fill(&db, 9_997, None, None, "aaaa");
    fill(&db, 1, Some(soon), None, "bbbb");
    // However many there were.
    fill(&db, 12_000, Some(START.0), None, "cccc");
    fill(&db, 12_000, None, Some(START.0), "dddd");
    let (server, operator) = host(|server| server.database_of(dir)).await;
    made(&operator, json!({})).await;
    let wish = json!({"name": "one too many", "roles": ["user"]});
    operator.create_key(&wish).await.assert_problem(409, "too_many_keys");
    server.clock.set_wall(Millis(soon));
    let (key, _) = made(&operator, json!({})).await;
    assert_eq!(status(&server, &key).await, 200);
    operator.create_key(&wish).await.assert_problem(409, "too_many_keys");
}

#[tokio::test]
async fn rows_of_keys_that_ended_are_forgotten_with_the_audit_trail_and_not_by_a_clock_that_is_wrong() {
    let (server, operator) = host(|server| server.with(|s| s.audit_retention = Duration::from_hours(1))).await;
    let (_, revoked) = made(&operator, json!({})).await;
    let (_, expired) = made(&operator, json!({"expires": "10m"})).await;
    let (_, later) = made(&operator, json!({"expires": "90m"})).await;
    let (key, kept) = made(&operator, json!({})).await;
    for _ in 0..2 {
        let event = server.post("/events").bearer(&key).json(&json!({"name": "x", "capacity": 1})).send().await;
        assert_eq!(event.status, 201, "{}", event.text);
    }
    // More than one batch.
    fill(server.db(), 1_200, Some(1), None, "aaaa");
    assert_eq!(revoke(&operator, &revoked).await.status, 200);
    let rows = || -> (i64, i64) {
        let sql = "SELECT (SELECT count(*) FROM api_keys), (SELECT count(*) FROM audit)";
        let counted = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Connection::open(server.db()).unwrap().query_row(sql, [], counted).unwrap()
    };
    server.clock.advance(Duration::from_mins(75));
    // More than a day ahead, or behind: one of the clocks is wrong, and nobody knows which.
    for apart in [DAY_MS + 1, -DAY_MS - 1] {
        server.clock.set_wall(Millis(server.clock.now().0 + apart));
        server.server().sweep().await.unwrap();
        assert_eq!(rows(), (1_204, 2), "{apart}");
    }
    server.clock.set_wall(server.clock.now());
    server.server().sweep().await.unwrap();
    assert_eq!(rows(), (2, 1), "the newest entry always stays");
    let states = listed(&operator).await;
    assert_eq!(states.len(), 2, "{expired} is gone: {states:?}");
    assert!(
        states.contains(&(later, "active".to_owned())) && states.contains(&(kept, "active".to_owned())),
        "{states:?}"
    );
    assert_eq!(status(&server, &key).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uses_from_before_the_end_are_written_even_if_requests_outlast_the_grace() {
    let change = |s: &mut boxoffice::config::Serve| (s.grace, s.body_timeout) = (Duration::from_millis(300), MINUTE);
    let (server, operator) = host(|server| server.with(change)).await;
    let (key, id) = made(&operator, json!({})).await;
    server.clock.advance(Duration::from_millis(1234));
    let stuck = head(&server, &key).await;
    let dir = server.stop().await;
    drop(stuck);
    let (server, operator) = host(|server| server.database_of(dir)).await;
    let shown = operator.call("GET", &format!("/v1/keys/{id}")).send().await;
    assert_eq!(shown.body["last_used_at"], "2026-11-21T09:30:01.234Z", "{}", shown.text);
    drop(server);
}
