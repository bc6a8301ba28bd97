//! JSON Web Tokens of somebody else's: whom they let in, as what, and how long.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::time::Duration;

use boxoffice::clock::Clock as _;
use boxoffice::domain::Millis;
use harness::{Answer, Issuer, START, TestServer, claims, until};
use serde_json::{Value, json};

const NOW: i64 = START.0 / 1000;

async fn create(server: &TestServer, token: &str) -> Answer {
    server.post("/events").bearer(token).json(&json!({"name": "x", "capacity": 9})).send().await
}

/// A server for tokens of this issuer, with other settings.
async fn host(issuer: &Issuer, change: impl FnOnce(&mut boxoffice::config::Serve)) -> TestServer {
    TestServer::builder().auth("jwt").jwt_key(issuer.key_file()).with(change).start().await
}

fn signed(issuer: &Issuer, more: &Value) -> String {
    let mut claims = claims("ada", &["organizer"]);
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    issuer.sign(&issuer.header(), &claims)
}

#[tokio::test]
async fn a_token_of_each_algorithm_lets_its_bearer_in() {
    for issuer in Issuer::all() {
        let server = host(&issuer, |_| {}).await;
        assert_eq!(create(&server, &issuer.token("ada", &["organizer"])).await.status, 201, "{:?}", issuer.algorithm);
        create(&server, &issuer.token("ada", &["user"])).await.assert_problem(403, "forbidden");
        let typ = json!({"typ": "application/at+JWT", "alg": format!("{:?}", issuer.algorithm)});
        let token = issuer.sign(&typ, &claims("ada", &["organizer"]));
        assert_eq!(create(&server, &token).await.status, 201);
        let bare = json!({"alg": format!("{:?}", issuer.algorithm)});
        assert_eq!(create(&server, &issuer.sign(&bare, &claims("ada", &["organizer"]))).await.status, 201);
    }
}

#[tokio::test]
async fn exp_and_nbf_are_judged_by_the_hosts_clock_to_the_second_with_leeway() {
    let issuer = Issuer::secret();
    for leeway in [0, 30] {
        let server = host(&issuer, |settings| settings.jwt.jwt_leeway = Duration::from_secs(leeway)).await;
        let leeway = i64::try_from(leeway).unwrap();
        let at = |exp: Value, nbf: Value| signed(&issuer, &json!({"exp": exp, "nbf": nbf}));
        let later = NOW + 3600;
        for (exp, expected) in [
            (json!(NOW - leeway + 1), None),
            (json!(NOW - leeway), Some("expired")),
            (json!(NOW - leeway - 1), Some("expired")),
            (json!(0), Some("expired")),
            // Half a second is one (RFC 7519, 2).
            (number(&format!("{}.5", NOW - leeway)), None),
            (number(&format!("{}.5", NOW - leeway - 1)), Some("expired")),
            (json!(253_402_300_799_i64), None),
            (json!(253_402_300_800_i64), Some("not valid")),
        ] {
            judge(&create(&server, &at(exp.clone(), json!(NOW))).await, expected, &exp);
        }
        for (nbf, expected) in [
            (json!(NOW + leeway - 1), None),
            (json!(NOW + leeway), None),
            (json!(NOW + leeway + 1), Some("not valid yet")),
            (number(&format!("{}.001", NOW + leeway)), Some("not valid yet")),
        ] {
            judge(&create(&server, &at(json!(later), nbf.clone())).await, expected, &nbf);
        }
        // The same token, while time goes on.
        let token = at(json!(NOW + 10), json!(NOW));
        server.clock.advance(Duration::from_millis((10 + leeway.unsigned_abs()) * 1000 - 1));
        judge(&create(&server, &token).await, None, &json!("the last millisecond"));
        server.clock.advance(Duration::from_millis(1));
        judge(&create(&server, &token).await, Some("expired"), &json!("and the next one"));
    }
}

/// With a fraction.
#[tokio::test]
async fn tokens_are_judged_by_the_wall_clock_wherever_the_host_s_own_time_is() {
    let issuer = Issuer::secret();
    let server = host(&issuer, |settings| settings.jwt.jwt_leeway = Duration::ZERO).await;
    let token = signed(&issuer, &json!({"nbf": NOW, "exp": NOW + 60}));
    for (wall, refused) in [(0, None), (60, Some("expired")), (-1, Some("not valid yet")), (59, None)] {
        server.clock.set_wall(Millis((NOW + wall) * 1000));
        judge(&create(&server, &token).await, refused, &json!(wall));
        assert_eq!(server.clock.now(), START);
    }
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[track_caller]
fn judge(answer: &Answer, refused: Option<&str>, what: &Value) {
    match refused {
        None => assert_eq!(answer.status, 201, "{what}: {}", answer.text),
        Some(says) => {
            assert_eq!(answer.status, 401, "{what}: {}", answer.text);
            assert!(answer.body["detail"].as_str().unwrap().contains(says), "{what}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn issuer_and_audience_must_be_those_of_the_settings() {
    let issuer = Issuer::p256();
    let server = host(&issuer, |settings| {
        settings.jwt.jwt_issuer = Some("https://id.example".to_owned());
        settings.jwt.jwt_audience = vec!["boxoffice".to_owned(), "tickets".to_owned()];
    })
    .await;
    let named = |iss: &str, aud: Value| signed(&issuer, &json!({"iss": iss, "aud": aud}));
    for aud in [json!("boxoffice"), json!(["other", "tickets"])] {
        assert_eq!(create(&server, &named("https://id.example", aud)).await.status, 201);
    }
    let ours = "https://id.example";
    let wrong = [
        (named("https://id.example/", json!("boxoffice")), "another issuer"),
        (named("", json!("boxoffice")), "no issuer"),
        (signed(&issuer, &json!({"aud": "boxoffice"})), "no iss"),
        (named(ours, json!("Boxoffice")), "another audience"),
        (named(ours, json!("")), "no audience"),
        (named(ours, json!([])), "nobody"),
        (named(ours, json!(["boxoffice", 7])), "a list of anything"),
        (named(ours, json!({"boxoffice": true})), "an object"),
        (signed(&issuer, &json!({"iss": ours})), "no aud"),
    ];
    for (token, what) in wrong {
        judge(&create(&server, &token).await, Some("not valid"), &json!(what));
    }
}

#[tokio::test]
async fn roles_come_from_the_claim_of_the_settings_in_either_form() {
    let issuer = Issuer::secret();
    let cases = [
        ("roles", json!({"roles": ["organizer"]}), true),
        ("roles", json!({"roles": "user organizer"}), true),
        ("roles", json!({"roles": ["teacher", "organizer", 7, null]}), true),
        ("roles", json!({"roles": ["Organizer", "organizer "]}), false),
        ("roles", json!({"roles": "organizers"}), false),
        ("roles", json!({"roles": {"organizer": true}}), false),
        ("roles", json!({"roles": null}), false),
        ("roles", json!({"roles": []}), false),
        ("scope", json!({"roles": ["organizer"]}), false),
        ("scope", json!({"roles": [], "scope": "openid admin"}), true),
        ("realm_access.roles", json!({"roles": [], "realm_access": {"roles": ["organizer"]}}), true),
        ("realm_access.roles", json!({"roles": ["organizer"], "realm_access": ["roles"]}), false),
        ("https://id.example/roles", json!({"roles": [], "https://id.example/roles": ["organizer"]}), true),
        // One that is literally so named wins.
        ("a.b", json!({"roles": [], "a.b": ["organizer"], "a": {"b": []}}), true),
        ("a.b", json!({"roles": [], "a.b": [], "a": {"b": ["organizer"]}}), false),
    ];
    for (claim, more, admitted) in cases {
        let server = host(&issuer, |settings| settings.jwt.jwt_roles_claim = claim.to_owned()).await;
        let answer = create(&server, &signed(&issuer, &more)).await;
        let expected = if admitted { 201 } else { 403 };
        assert_eq!(answer.status, expected, "{claim} in {more}: {}", answer.text);
        // Without a role the caller is known all the same.
        assert_eq!(server.get("/events").bearer(&signed(&issuer, &more)).send().await.status, 200);
    }
}

#[tokio::test]
async fn a_subject_of_another_issuer_is_somebody_else() {
    let issuer = Issuer::secret();
    let server = host(&issuer, |_| {}).await;
    let by = |iss: Option<&str>, sub: &str| {
        let mut claims = claims(sub, &["user", "organizer"]);
        if let Some(iss) = iss {
            claims["iss"] = json!(iss);
        }
        issuer.sign(&issuer.header(), &claims)
    };
    // Pairs that look alike when they are written one after the other.
    let callers = [
        by(None, "ada"),
        by(Some(""), ":ada"),
        by(Some("a"), "da"),
        by(Some("a"), ":da"),
        by(Some("a:"), "da"),
        by(Some("a%3A"), "da"),
        by(Some("jwt"), "ada"),
        by(None, "key:ada"),
        by(None, "'; DROP TABLE tickets; --"),
        by(None, "' OR '1'='1"),
        by(None, "ада"),
    ];
    let event = create(&server, &callers[0]).await.body["id"].as_str().unwrap().to_owned();
    let mut tickets = Vec::new();
    for (number, token) in callers.iter().take(9).enumerate() {
        let wish = json!({"email": format!("{number}@example.org"), "idempotency_key": "the same"});
        let held = server.post(&format!("/events/{event}/register")).bearer(token).json(&wish).send().await;
        assert_eq!((held.status, held.header("idempotency-replayed")), (201, ""), "{}", held.text);
        tickets.push(held.body["id"].as_str().unwrap().to_owned());
    }
    for (number, token) in callers.iter().enumerate() {
        for (of, ticket) in tickets.iter().enumerate() {
            let answer = server.get(&format!("/tickets/{ticket}")).bearer(token).send().await;
            assert_eq!(answer.status, if number == of { 200 } else { 404 }, "{number} of {of}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn keys_are_exchanged_while_it_serves_and_a_broken_file_exchanges_nothing() {
    let (before, after) = (Issuer::p256(), Issuer::ed25519());
    let server = TestServer::builder().auth("jwt").jwks(&[before.jwk("2026")]).start().await;
    let named = |issuer: &Issuer, kid: &str| {
        let mut header = issuer.header();
        header["kid"] = json!(kid);
        issuer.sign(&header, &claims("ada", &["organizer"]))
    };
    let (old, new) = (named(&before, "2026"), named(&after, "2027"));
    let write = |text: String| {
        // As careful tools do: another file takes the name.
        let path = server.kept()[0].path();
        let beside = path.with_extension("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, path).unwrap();
    };
    assert_eq!(create(&server, &old).await.status, 201);
    assert_eq!(create(&server, &new).await.status, 401);
    write(json!({"keys": [before.jwk("2026"), after.jwk("2027")]}).to_string());
    until("the new key is taken", async || create(&server, &new).await.status == 201).await;
    assert_eq!(create(&server, &old).await.status, 201);
    // Nobody is let in by a file that is broken, and nobody is locked out by it.
    for (count, broken) in (1..).zip(["{", "{\"keys\": []}", "", "[]"]) {
        write(broken.to_owned());
        let told = format!("boxoffice_token_key_changes_total{{outcome=\"refused\"}} {count}\n");
        until("the broken file is refused", async || server.metrics().await.contains(&told)).await;
        assert_eq!((create(&server, &old).await.status, create(&server, &new).await.status), (201, 201), "{broken}");
    }
    write(json!({"keys": [after.jwk("2027")]}).to_string());
    until("the old key is gone", async || create(&server, &old).await.status == 401).await;
    assert_eq!(create(&server, &new).await.status, 201);
}

#[tokio::test]
async fn a_public_key_is_never_exchanged_for_a_secret() {
    let issuer = Issuer::p256();
    let server = host(&issuer, |_| {}).await;
    let good = signed(&issuer, &json!({}));
    let secret = Issuer::secret();
    std::fs::write(server.kept()[0].path(), secret.key_file()).unwrap();
    let told = "boxoffice_token_key_changes_total{outcome=\"refused\"} 1\n";
    until("the file is refused", async || server.metrics().await.contains(told)).await;
    create(&server, &signed(&secret, &json!({}))).await.assert_problem(401, "unauthenticated");
    assert_eq!(create(&server, &good).await.status, 201);
}

#[tokio::test]
async fn refused_credentials_are_counted_by_reason() {
    let issuer = Issuer::secret();
    let server = TestServer::builder().auth("jwt,keys").jwt_key(issuer.key_file()).start().await;
    create(&server, &signed(&issuer, &json!({"exp": 1}))).await.assert_problem(401, "unauthenticated");
    create(&server, &signed(&issuer, &json!({"nbf": NOW + 999}))).await.assert_problem(401, "unauthenticated");
    for token in ["x", "bo_x", "a b"] {
        create(&server, token).await.assert_problem(401, "unauthenticated");
    }
    let metrics = server.metrics().await;
    for (reason, count) in [("expired", 1), ("not_yet_valid", 1), ("invalid", 2), ("malformed", 1)] {
        let line = format!("boxoffice_credentials_refused_total{{reason=\"{reason}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
}
