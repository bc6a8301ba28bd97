//! Forged tokens: each is refused by name, and nothing is written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::{Answer, Issuer, START, TestServer, claims, raw};
use serde_json::{Value, json};

const NOW: i64 = START.0 / 1000;

async fn host(issuer: &Issuer) -> TestServer {
    TestServer::builder().auth("jwt").jwt_key(issuer.key_file()).start().await
}

fn organizers() -> Value {
    claims("mallory", &["organizer"])
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

async fn create(server: &TestServer, token: &str) -> Answer {
    server.post("/events").bearer(token).json(&json!({"name": "x", "capacity": 1})).send().await
}

#[track_caller]
fn assert_refused(name: &str, answer: &Answer, says: &str) {
    assert_eq!(answer.status, 401, "{name}: {}", answer.text);
    answer.assert_problem(401, "unauthenticated");
    assert!(answer.body["detail"].as_str().unwrap().contains(says), "{name}: {}", answer.text);
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer realm=\"boxoffice\", error=\"invalid_token\""), "{name}: {challenge}");
}

async fn assert_nothing_written(server: &TestServer) {
    assert_eq!(server.get("/events").send().await.body["items"], json!([]));
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// Tokens that are no good whatever key the host has; each with its name.
fn structures(issuer: &Issuer) -> Vec<(&'static str, String)> {
    let good = issuer.token("mallory", &["organizer"]);
    let parts: Vec<_> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let none = |alg: &str| part(&json!({"typ": "JWT", "alg": alg}));
    let edited = part(&claims("mallory", &["admin"]));
    let own = issuer.header();
    let signed = |header: Value| issuer.sign(&header, &organizers());
    let long = with(organizers(), "more", json!("x".repeat(9 * 1024)));
    let doubled = format!(r#"{{"sub":"mallory","roles":["organizer"],"exp":1,"exp":{}}}"#, NOW + 3600);
    vec![
        ("none", format!("{}.{payload}.", none("none"))),
        ("None", format!("{}.{payload}.", none("None"))),
        ("nOnE with a signature", format!("{}.{payload}.{signature}", none("nOnE"))),
        ("no alg", format!("{}.{payload}.{signature}", part(&json!({"typ": "JWT"})))),
        ("alg that is no string", format!("{}.{payload}.{signature}", part(&json!({"alg": ["HS256"]})))),
        ("stripped signature", format!("{header}.{payload}.")),
        ("no signature", format!("{header}.{payload}")),
        ("header alone", header.to_owned()),
        ("edited payload", format!("{header}.{edited}.{signature}")),
        ("payload of nothing", format!("{header}..{signature}")),
        ("two signatures", format!("{good}.{signature}")),
        ("two tokens", format!("{good}{good}")),
        ("padded", format!("{header}.{payload}.{signature}==")),
        ("cut off", good[..good.len() - 1].to_owned()),
        ("one bit flipped", flipped(&good)),
        ("no base64", "a+b/.c+d/.e+f/".to_owned()),
        ("header that is an array", issuer.sign_text("[]", &organizers().to_string())),
        ("payload that is an array", issuer.sign_text(&own.to_string(), "[]")),
        ("payload that is no JSON", issuer.sign_text(&own.to_string(), "{")),
        ("nested too deeply", issuer.sign_text(&own.to_string(), &format!("{}1{}", "[".repeat(900), "]".repeat(900)))),
        ("doubled exp", issuer.sign_text(&own.to_string(), &doubled)),
        ("doubled alg", issuer.sign_text(r#"{"alg":"none","alg":"HS256"}"#, &organizers().to_string())),
        ("crit", signed(with(own.clone(), "crit", json!(["exp"])))),
        ("crit of nothing", signed(with(own.clone(), "crit", json!(null)))),
        ("crit b64", signed(with(with(own.clone(), "crit", json!(["b64"])), "b64", json!(false)))),
        ("wrong typ", signed(with(own.clone(), "typ", json!("secevent+jwt")))),
        ("typ that is no string", signed(with(own.clone(), "typ", json!(1)))),
        ("unknown kid", signed(with(own.clone(), "kid", json!("another")))),
        ("kid that is a path", signed(with(own.clone(), "kid", json!("../../etc/passwd")))),
        ("kid of nothing", signed(with(own.clone(), "kid", json!("/dev/null")))),
        ("kid with SQL", signed(with(own.clone(), "kid", json!("x' UNION SELECT 'secret'; --")))),
        ("empty kid", signed(with(own.clone(), "kid", json!("")))),
        ("kid that is no string", signed(with(own.clone(), "kid", json!(7)))),
        ("9 KiB", issuer.sign(&own, &long)),
    ]
}

/// One bit of the signature's first byte.
fn flipped(token: &str) -> String {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[0] ^= 1;
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

#[tokio::test]
async fn tokens_that_are_put_together_wrongly_let_nobody_in() {
    let mut count = 0;
    for issuer in Issuer::all() {
        let server = host(&issuer).await;
        for (name, token) in structures(&issuer) {
            assert_refused(name, &create(&server, &token).await, "not valid");
            count += 1;
        }
        assert_nothing_written(&server).await;
        // And the same without a fault.
        assert_eq!(create(&server, &issuer.token("ada", &["organizer"])).await.status, 201);
    }
    println!("{count} forged tokens");
}

#[tokio::test]
async fn the_algorithm_is_the_keys_and_never_the_tokens() {
    for issuer in Issuer::all() {
        let server = host(&issuer).await;
        // The public key as a secret, with and without what ends its lines.
        let pem = issuer.key_file();
        let mut forgers = vec![Issuer::with_secret(pem), Issuer::with_secret(pem.trim_ascii_end()), Issuer::stranger()];
        forgers.extend(Issuer::all().into_iter().filter(|other| other.algorithm != issuer.algorithm));
        for forger in forgers {
            // With the secret as a secret it would be no forgery.
            if issuer.algorithm == forger.algorithm && issuer.algorithm == Issuer::secret().algorithm {
                continue;
            }
            for alg in ["HS256", "RS256", "ES256", "EdDSA", "HS384", "HS512", "RS512", "PS256", "ES384", "none"] {
                let header = json!({"typ": "JWT", "alg": alg});
                let name =
                    format!("{alg} by a key for {:?}, the host's is for {:?}", forger.algorithm, issuer.algorithm);
                assert_refused(&name, &create(&server, &forger.sign(&header, &organizers())).await, "not valid");
            }
        }
        for alg in ["HS256", "RS256", "ES256", "EdDSA", "HS512", "RS384", "PS256", "none"] {
            if alg != format!("{:?}", issuer.algorithm) {
                let token = issuer.sign(&json!({"alg": alg}), &organizers());
                assert_refused(alg, &create(&server, &token).await, "not valid");
            }
        }
        assert_nothing_written(&server).await;
    }
}

#[tokio::test]
async fn keys_that_a_token_brings_along_are_no_keys() {
    let stranger = Issuer::stranger();
    for issuer in [Issuer::p256(), Issuer::rsa()] {
        let server = host(&issuer).await;
        for (name, value) in [
            ("jwk", stranger.jwk("k")),
            ("jku", json!("https://mallory.example/jwks.json")),
            ("x5u", json!("file:///etc/passwd")),
            ("x5c", json!(["MIIB"])),
        ] {
            let token = stranger.sign(&with(stranger.header(), name, value), &organizers());
            assert_refused(name, &create(&server, &token).await, "not valid");
        }
        assert_nothing_written(&server).await;
    }
}

#[tokio::test]
async fn in_a_set_a_token_is_checked_with_the_key_that_it_names_and_no_other() {
    let [secret, rsa, p256, ed25519] = Issuer::all();
    let keys = [secret.jwk("s"), rsa.jwk("r"), p256.jwk("p"), ed25519.jwk("e")];
    let server = TestServer::builder().auth("jwt").jwks(&keys).start().await;
    let named = [("s", &secret), ("r", &rsa), ("p", &p256), ("e", &ed25519)];
    for (kid, issuer) in named {
        for (other, _) in named.into_iter().filter(|(other, _)| *other != kid) {
            let token = issuer.sign(&with(issuer.header(), "kid", json!(other)), &organizers());
            assert_refused(other, &create(&server, &token).await, "not valid");
            // With the algorithm of the key that it names, too.
            let header = json!({"alg": format!("{:?}", named.iter().find(|(k, _)| *k == other).unwrap().1.algorithm), "kid": other});
            assert_refused(other, &create(&server, &issuer.sign(&header, &organizers())).await, "not valid");
        }
        let token = issuer.sign(&issuer.header(), &organizers());
        assert_refused("no kid", &create(&server, &token).await, "not valid");
    }
    for kid in ["S", "", "s ", "../s", "./s", "/dev/null", "s\u{0}", "s' OR '1'='1"] {
        let token = secret.sign(&with(secret.header(), "kid", json!(kid)), &organizers());
        assert_refused(kid, &create(&server, &token).await, "not valid");
    }
    assert_nothing_written(&server).await;
    for (kid, issuer) in named {
        let token = issuer.sign(&with(issuer.header(), "kid", json!(kid)), &organizers());
        assert_eq!(create(&server, &token).await.status, 201, "{kid}");
    }
}

#[tokio::test]
async fn claims_of_the_wrong_kind_let_nobody_in() {
    let issuer = Issuer::ed25519();
    let server = host(&issuer).await;
    let exp = |value: Value| with(organizers(), "exp", value);
    let mut cases = vec![
        ("no exp", without(organizers(), "exp")),
        ("no sub", without(organizers(), "sub")),
        ("aud, where there is none", with(organizers(), "aud", json!("somebody"))),
        ("aud of nobody", with(organizers(), "aud", json!([]))),
        ("aud that is no string", with(organizers(), "aud", json!(7))),
        ("iss that is no string", with(organizers(), "iss", json!(["a"]))),
        ("long iss", with(organizers(), "iss", json!("x".repeat(513)))),
        ("nbf that is no number", with(organizers(), "nbf", json!("now"))),
        ("nbf of nothing", with(organizers(), "nbf", json!(null))),
        ("negative nbf", with(organizers(), "nbf", json!(-1))),
    ];
    for value in [json!(-1), json!(1e300), json!(u64::MAX), json!(i64::MAX), json!(START.0 * 1000), json!(null)] {
        cases.push(("exp", exp(value)));
    }
    for value in [json!((NOW + 3600).to_string()), json!(true), json!([NOW + 3600]), json!({}), json!(-1.5)] {
        cases.push(("exp", exp(value)));
    }
    for value in [json!(""), json!(null), json!(7), json!(["ada"]), json!({"ada": 1}), json!("x".repeat(256))] {
        cases.push(("sub", with(organizers(), "sub", value)));
    }
    for (name, claims) in cases {
        let answer = create(&server, &issuer.sign(&issuer.header(), &claims)).await;
        assert_refused(&format!("{name}: {claims}"), &answer, "not valid");
    }
    for number in ["1e400", "-0.1", "NaN", "Infinity", "0x7fffffff"] {
        let text = format!(r#"{{"sub":"mallory","roles":["organizer"],"exp":{number}}}"#);
        let answer = create(&server, &issuer.sign_text(&issuer.header().to_string(), &text)).await;
        assert_refused(number, &answer, "not valid");
    }
    assert_nothing_written(&server).await;
}

#[tokio::test]
async fn what_is_beside_or_instead_of_a_token_lets_nobody_in() {
    let issuer = Issuer::secret();
    let server = host(&issuer).await;
    let good = issuer.token("ada", &["organizer"]);
    let user = issuer.token("ada", &["user"]);
    let key = format!("bo_{}_{}", "0".repeat(16), "0".repeat(64));
    let event = json!({"name": "x", "capacity": 1});
    let both = [format!("Bearer {good}"), format!("Bearer {good}")];
    let cases: [(&[String], &str); 9] = [
        (&both, "exactly one"),
        (&[format!("Bearer {good}"), "Basic YWRhOmFkYQ==".into()], "exactly one"),
        (&["Basic YWRhOmFkYQ==".into()], "exactly one"),
        (&["Bearer".into()], "exactly one"),
        (&["Bearer ".into()], "exactly one"),
        (std::slice::from_ref(&good), "exactly one"),
        (&[format!("Bearer {good}, Bearer {good}")], "exactly one"),
        (&[format!("Bearer {good} {good}")], "exactly one"),
        (&[format!("Bearer {key}")], "of this kind"),
    ];
    for (headers, says) in cases {
        let call = server.post("/events").json(&event);
        let call = headers.iter().fold(call, |call, value| call.header("authorization", value));
        assert_refused(&headers.join(" | "), &call.send().await, says);
        // What anybody may read is refused as well, and what there is not.
        for path in ["/events", "/nothing"] {
            let call = headers.iter().fold(server.get(path), |call, value| call.header("authorization", value));
            assert_refused(path, &call.send().await, says);
        }
    }
    // A role that anybody can write beside it is nothing.
    let call = server.post("/events").bearer(&user).role("organizer").json(&event);
    call.send().await.assert_problem(403, "forbidden");
    let call = server.post("/events").role("admin").json(&event);
    let nobody = call.send().await;
    nobody.assert_problem(401, "unauthenticated");
    assert_eq!(nobody.header("www-authenticate"), "Bearer realm=\"boxoffice\"");
    assert_nothing_written(&server).await;
    // Neither header nor scheme has a case.
    let call = server.post("/events").header("aUTHORIZATION", &format!("bEARER {good}")).role("user");
    assert_eq!(call.json(&event).send().await.status, 201);
}

#[tokio::test]
async fn a_token_that_is_not_text_or_a_megabyte_long_is_refused_before_it_is_read() {
    let server = host(&Issuer::secret()).await;
    let head = |token: &[u8]| {
        let start = b"GET /events HTTP/1.1\r\nhost: h\r\nconnection: close\r\nauthorization: Bearer ";
        [&start[..], token, b"\r\n\r\n"].concat()
    };
    let answer = raw(server.address(), &head(b"\xff\xfe.\xfd.\xfc")).await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains(r#""code":"unauthenticated""#), "{answer}");
    let answer = raw(server.address(), &head(&vec![b'x'; 1_000_000])).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}
