//! API keys: made once, shown once, revoked at once.

use std::time::Duration;

use harness::{Answer, Call, Issuer, Operator, TestServer};
use serde_json::{Value, json};

async fn host(mode: &str) -> (TestServer, Operator) {
    let server = TestServer::builder().auth(mode).jwt_key(Issuer::secret().key_file()).operated();
    let server = server.with(|settings| {
        if !settings.auth.takes_tokens() {
            settings.jwt.jwt_key = None;
        }
    });
    let server = server.start().await;
    let operator = Operator::of(&server);
    (server, operator)
}

async fn list(operator: &Operator, query: &str) -> Answer {
    operator.call("GET", &format!("/v1/keys{query}")).send().await
}

async fn create_event(server: &TestServer, key: &str) -> Answer {
    server.post("/events").bearer(key).json(&json!({"name": "x", "capacity": 3})).send().await
}

#[tokio::test]
async fn a_key_is_shown_once_and_lets_its_bearer_in() {
    let (server, operator) = host("keys").await;
    let wish = json!({"name": "The shop", "roles": ["user", "organizer"], "expires": "30days"});
    let made = operator.create_key(&wish).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (key, id) = (made.body["key"].as_str().unwrap(), made.body["id"].as_str().unwrap());
    assert_eq!((key.len(), id.len()), (84, 16));
    assert!(key.starts_with(&format!("bo_{id}_")), "{key}");
    assert_eq!(made.header("location"), format!("/v1/keys/{id}"));
    assert_eq!(made.header("cache-control"), "no-store");
    assert_eq!(made.body["subject"], id);
    assert_eq!(made.body["expires_at"], "2026-12-21T09:30:00.000Z");
    assert_eq!(made.body["warning"], Value::Null);
    assert_eq!(create_event(&server, key).await.status, 201);
    server.clock.advance(Duration::from_secs(7));
    assert_eq!(server.get("/events").bearer(key).send().await.status, 200);
    let secret = key.rsplit('_').next().unwrap();
    for answer in [list(&operator, "").await, operator.call("GET", &format!("/v1/keys/{id}")).send().await] {
        assert_eq!(answer.status, 200);
        assert!(!answer.text.contains(secret), "{}", answer.text);
        assert!(answer.text.contains(r#""last_used_at":"2026-11-21T09:30:07.000Z""#), "{}", answer.text);
        assert!(answer.text.contains(r#""state":"active""#), "{}", answer.text);
    }
    // Nor is it in the database: only what it is compared with.
    let db = std::fs::read(server.db()).unwrap();
    let log = std::fs::read(server.db().with_extension("db-wal")).unwrap();
    for file in [db, log] {
        assert!(!file.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_from_the_next_request_on() {
    let (server, operator) = host("jwt,keys").await;
    let made = operator.create_key(&json!({"name": "x", "roles": ["organizer"]})).await;
    let (key, id) = (made.body["key"].as_str().unwrap(), made.body["id"].as_str().unwrap());
    assert_eq!(create_event(&server, key).await.status, 201);
    let path = format!("/v1/keys/{id}");
    let revoked = operator.call("DELETE", &path).send().await;
    assert_eq!((revoked.status, &revoked.body["state"]), (200, &json!("revoked")), "{}", revoked.text);
    let refused = create_event(&server, key).await;
    refused.assert_problem(401, "unauthenticated");
    // As one that there never was, in every word.
    let other = create_event(&server, &format!("bo_{}_{}", "0".repeat(16), "0".repeat(64))).await;
    other.assert_problem(401, "unauthenticated");
    assert_eq!(refused.body["detail"], other.body["detail"]);
    assert_eq!(refused.header("www-authenticate"), other.header("www-authenticate"));
    // What needs no role is refused too: something is wrong, and its bearer should know.
    server.get("/events").bearer(key).send().await.assert_problem(401, "unauthenticated");
    server.get("/nothing").bearer(key).send().await.assert_problem(401, "unauthenticated");
    server.clock.advance(Duration::from_mins(1));
    let again = operator.call("DELETE", &path).send().await;
    assert_eq!((again.status, &again.body), (200, &revoked.body));
    operator.call("DELETE", "/v1/keys/0000000000000000").send().await.assert_problem(404, "key_not_found");
}

#[tokio::test]
async fn keys_their_revocation_and_their_last_use_outlive_a_restart() {
    let (server, operator) = host("keys").await;
    let kept = operator.create_key(&json!({"name": "kept", "roles": ["organizer"]})).await;
    let gone = operator.create_key(&json!({"name": "gone", "roles": ["organizer"]})).await;
    let key = |made: &Answer| made.body["key"].as_str().unwrap().to_owned();
    let (kept, gone_key) = (key(&kept), key(&gone));
    server.clock.advance(Duration::from_millis(1234));
    assert_eq!(create_event(&server, &kept).await.status, 201);
    let gone_id = gone.body["id"].as_str().unwrap();
    assert_eq!(operator.call("DELETE", &format!("/v1/keys/{gone_id}")).send().await.status, 200);
    let dir = server.stop().await;
    let server = TestServer::builder().auth("keys").operated().database_of(dir).start().await;
    let listed = list(&Operator::of(&server), "").await;
    let used: Vec<_> = listed.body["keys"].as_array().unwrap().iter().map(|key| &key["last_used_at"]).collect();
    assert_eq!(used.len(), 2, "{}", listed.text);
    assert!(used.contains(&&json!("2026-11-21T09:30:01.234Z")) && used.contains(&&Value::Null), "{}", listed.text);
    assert_eq!(create_event(&server, &kept).await.status, 201);
    create_event(&server, &gone_key).await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_expired_key_is_told_so_at_its_very_millisecond() {
    let (server, operator) = host("keys").await;
    let made = operator.create_key(&json!({"name": "x", "roles": ["user"], "expires": "2026-11-21T09:30:10Z"})).await;
    let key = made.body["key"].as_str().unwrap();
    server.clock.advance(Duration::from_millis(9_999));
    assert_eq!(server.get("/events").bearer(key).send().await.status, 200);
    server.clock.advance(Duration::from_millis(1));
    let refused = server.get("/events").bearer(key).send().await;
    refused.assert_problem(401, "unauthenticated");
    assert!(refused.body["detail"].as_str().unwrap().contains("expired"), "{}", refused.text);
    assert_eq!(list(&operator, "").await.body["keys"][0]["state"], "expired");
    // To whoever has only its id, it does not even say that.
    let other = format!("{}{}", &key[..20], "0".repeat(64));
    let refused = server.get("/events").bearer(&other).send().await;
    assert!(!refused.body["detail"].as_str().unwrap().contains("expired"), "{}", refused.text);
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_by_name_and_makes_nothing() {
    let (server, operator) = host("keys").await;
    let long = "x".repeat(101);
    let cases = [
        (json!({"roles": ["user"]}), "name"),
        (json!({"name": "", "roles": ["user"]}), "/name"),
        (json!({"name": " ", "roles": ["user"]}), "/name"),
        (json!({"name": long, "roles": ["user"]}), "/name"),
        (json!({"name": "a\u{1b}[2J", "roles": ["user"]}), "/name"),
        (json!({"name": "x", "roles": []}), "/roles"),
        (json!({"name": "x"}), "roles"),
        (json!({"name": "x", "roles": ["root"]}), "root"),
        (json!({"name": "x", "roles": ["user"], "subject": ""}), "/subject"),
        (json!({"name": "x", "roles": ["user"], "subject": "x".repeat(256)}), "/subject"),
        (json!({"name": "x", "roles": ["user"], "expires": "tomorrow"}), "/expires"),
        (json!({"name": "x", "roles": ["user"], "expires": "0s"}), "/expires"),
        (json!({"name": "x", "roles": ["user"], "expires": "2020-01-01T00:00:00Z"}), "/expires"),
        (json!({"name": "x", "roles": ["user"], "secret": "mine"}), "secret"),
        (json!([]), "body"),
    ];
    for (wish, says) in cases {
        let refused = operator.create_key(&wish).await;
        refused.assert_problem(400, "invalid_request");
        assert!(refused.body["detail"].as_str().unwrap().contains(says), "{wish}: {}", refused.text);
    }
    for query in ["?limit=0", "?limit=101", "?limit=x", "?page=2"] {
        list(&operator, query).await.assert_problem(400, "invalid_request");
    }
    list(&operator, "?after=0000000000000000").await.assert_problem(404, "key_not_found");
    assert_eq!(list(&operator, "").await.body["keys"], json!([]));
    operator.call("PUT", "/v1/keys").send().await.assert_problem(405, "method_not_allowed");
    operator.call("POST", "/v1/keys/0000000000000000").send().await.assert_problem(405, "method_not_allowed");
    drop(server);
}

#[tokio::test]
async fn names_and_subjects_are_text_and_never_sql() {
    let (server, operator) = host("keys").await;
    let texts =
        ["'; DROP TABLE api_keys; --", "' OR '1'='1", "\"); DELETE FROM events; --", "x' UNION SELECT secret_hash"];
    for text in texts {
        let made = operator.create_key(&json!({"name": text, "subject": text, "roles": ["user", "organizer"]})).await;
        assert_eq!((made.status, &made.body["name"], &made.body["subject"]), (201, &json!(text), &json!(text)));
        let key = made.body["key"].as_str().unwrap();
        let event = create_event(&server, key).await;
        assert_eq!(event.status, 201, "{}", event.text);
        let path = format!("/events/{}/register", event.body["id"].as_str().unwrap());
        let call = server.post(&path).bearer(key).json(&json!({"email": "ada@example.org", "idempotency_key": text}));
        assert_eq!(call.send().await.status, 201);
        let email = json!({"email": format!("{text}@example.org")});
        let answer = server.post(&path).bearer(key).json(&email).send().await;
        assert!(matches!(answer.status, 201 | 400), "{}", answer.text);
    }
    assert_eq!(list(&operator, "").await.body["keys"].as_array().unwrap().len(), texts.len());
}

#[tokio::test]
async fn the_list_comes_in_pages_and_misses_none() {
    let (_server, operator) = host("keys").await;
    let mut made = Vec::new();
    for number in 0..7 {
        let answer = operator.create_key(&json!({"name": number.to_string(), "roles": ["user"]})).await;
        made.push(answer.body["id"].as_str().unwrap().to_owned());
    }
    let (mut seen, mut query, mut pages) = (Vec::new(), "?limit=3".to_owned(), 0);
    loop {
        let page = list(&operator, &query).await.body;
        seen.extend(page["keys"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=3&after={next}");
    }
    made.sort();
    assert_eq!((seen, pages), (made, 3), "all were made in one millisecond, so the id decides");
}

#[tokio::test]
async fn a_host_that_takes_no_keys_says_so_to_whoever_makes_one() {
    for mode in ["header", "jwt"] {
        let (server, operator) = host(mode).await;
        let made = operator.create_key(&json!({"name": "x", "roles": ["admin"]})).await;
        assert_eq!(made.status, 201);
        assert!(made.body["warning"].as_str().unwrap().contains(&format!("--auth {mode}")), "{}", made.text);
        assert!(list(&operator, "").await.body["warning"].is_string());
        let call = server.post("/events").bearer(made.body["key"].as_str().unwrap());
        let refused = call.json(&json!({"name": "x", "capacity": 1})).send().await;
        let (status, code) = if mode == "jwt" { (401, "unauthenticated") } else { (403, "forbidden") };
        refused.assert_problem(status, code);
    }
}

#[tokio::test]
async fn another_key_with_the_same_subject_has_the_tickets_of_the_one_before() {
    let (server, operator) = host("keys").await;
    let organizer = operator.key("box office", &["organizer"]).await;
    let event = create_event(&server, &organizer).await.body["id"].as_str().unwrap().to_owned();
    let before = operator.create_key(&json!({"name": "2026", "subject": "shop", "roles": ["user"]})).await;
    let key = before.body["key"].as_str().unwrap();
    let wish = json!({"email": "ada@example.org", "idempotency_key": "order 17"});
    let held = server.post(&format!("/events/{event}/register")).bearer(key).json(&wish).send().await;
    assert_eq!(held.status, 201, "{}", held.text);
    let ticket = held.body["id"].as_str().unwrap();
    let after = operator.key("shop", &["user"]).await;
    let other = operator.key("Shop", &["user"]).await;
    let revoked = operator.call("DELETE", &format!("/v1/keys/{}", before.body["id"].as_str().unwrap())).send().await;
    assert_eq!(revoked.status, 200);
    let path = format!("/tickets/{ticket}");
    assert_eq!(server.get(&path).bearer(&after).send().await.status, 200);
    server.get(&path).bearer(&other).send().await.assert_problem(404, "ticket_not_found");
    // The keys of idempotency are those of the subject, too.
    let replayed = server.post(&format!("/events/{event}/register")).bearer(&after).json(&wish).send().await;
    assert_eq!((replayed.status, replayed.header("idempotency-replayed")), (201, "true"), "{}", replayed.text);
    let call = server.post(&format!("{path}/confirm")).bearer(&after);
    assert_eq!(call.send().await.body["status"], "confirmed");
}

#[tokio::test]
async fn a_key_whose_subject_spells_the_owner_of_a_token_has_nothing_of_it_and_the_other_way_round() {
    let (server, operator) = host("jwt,keys").await;
    let issuer = Issuer::secret();
    let ann = issuer.token("ann", &["user"]);
    let shop = operator.key("shop", &["user", "organizer"]).await;
    let event = create_event(&server, &shop).await.body["id"].as_str().unwrap().to_owned();
    let register = async |credential: &str, email: &str| {
        let call = server.post(&format!("/events/{event}/register")).bearer(credential);
        let held = call.json(&json!({"email": email})).send().await;
        assert_eq!(held.status, 201, "{}", held.text);
        held.body["id"].as_str().unwrap().to_owned()
    };
    let (anns, shops) = (register(&ann, "ann@example.org").await, register(&shop, "shop@example.org").await);
    // As the owners are written down.
    let admin = operator.key("admin", &["admin"]).await;
    let trail = server.get("/audit").bearer(&admin).send().await.body;
    let owner = |n: usize| trail["items"][n]["owner"].as_str().unwrap().to_owned();
    let (of_ann, of_shop) = (owner(1), owner(2));
    assert_ne!(of_ann, of_shop);
    let assert_hidden = async |credential: &str, ticket: &str| {
        let path = format!("/tickets/{ticket}");
        for call in [server.post(&format!("{path}/cancel")), server.post(&format!("{path}/confirm")), server.get(&path)]
        {
            call.bearer(credential).send().await.assert_problem(404, "ticket_not_found");
        }
    };
    for subject in [of_ann.as_str(), "ann", ":ann", "jwt:ann", "jwt::ann", "jwt%3A%3Aann", "key:shop"] {
        let key = operator.key(subject, &["user", "organizer"]).await;
        assert_hidden(&key, &anns).await;
        assert_hidden(&key, &shops).await;
    }
    for subject in [of_shop.as_str(), "shop", "key:shop", ":shop", "key%3Ashop"] {
        assert_hidden(&issuer.token(subject, &["user"]), &shops).await;
    }
    for (credential, ticket) in [(&ann, &anns), (&shop, &shops)] {
        assert_eq!(server.get(&format!("/tickets/{ticket}")).bearer(credential).send().await.status, 200);
    }
}

#[tokio::test]
async fn whoever_is_not_the_operator_makes_sees_and_revokes_none() {
    let (server, operator) = host("keys").await;
    let admin = operator.key("admin", &["admin"]).await;
    for (method, path) in [("GET", "/v1/keys"), ("POST", "/v1/keys"), ("DELETE", "/v1/keys/0000000000000000")] {
        let call = Call::new(server.admin_address(), method, path);
        call.clone().send().await.assert_problem(401, "unauthenticated");
        call.bearer(&admin).send().await.assert_problem(401, "unauthenticated");
        // On the API there is nothing of it.
        server.call(method, path).bearer(&admin).send().await.assert_problem(404, "route_not_found");
    }
}
