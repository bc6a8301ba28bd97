//! `boxoffice token`, `boxoffice keys` and `serve --auth`, as their operator meets them.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::operating::{command, done, prepared, refused, start};
use crate::running::{Running, assert_refused, program, run};

/// Where the tests' keys are.
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/keys");

pub(crate) fn key(name: &str) -> String {
    format!("{KEYS}/{name}")
}

fn write_secret(dir: &TempDir) {
    let made = std::process::Command::new("sh")
        .current_dir(dir.path())
        .args(["-c", "head -c 32 /dev/urandom | base64 > jwt.secret && chmod 600 jwt.secret"])
        .status();
    assert!(made.unwrap().success());
}

/// What `boxoffice token` prints.
pub(crate) fn token(dir: &Path, arguments: &[&str]) -> String {
    let output = program(dir).arg("token").args(arguments).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{stdout}");
    let token = stdout.strip_suffix('\n').unwrap();
    assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "only the token: {stdout:?}");
    token.to_owned()
}

/// The status of an answer, and its JSON.
pub(crate) fn create_event(server: &Running, credential: &str) -> (String, Value) {
    let body = r#"{"name": "x", "capacity": 1}"#;
    let answer = server.send(&format!(
        "POST /events HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {credential}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    ));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].to_owned(), serde_json::from_str(body).unwrap())
}

#[test]
fn a_token_of_the_command_lets_its_bearer_in_with_a_key_of_each_kind() {
    let dir = TempDir::new().unwrap();
    write_secret(&dir);
    let secret = "jwt.secret".to_owned();
    for (private, public) in [
        (secret.clone(), secret),
        (key("ed25519.pem"), key("ed25519.pub")),
        (key("p256.pem"), key("p256.pub")),
        (key("rsa.pem"), key("rsa.pub")),
    ] {
        let arguments = ["--auth", "jwt", "--jwt-key", &public, "--rate-limit", "off"];
        let demanding =
            ["--jwt-issuer", "https://id.example", "--jwt-audience", "a,b", "--jwt-roles-claim", "realm.roles"];
        let server = Running::start(&dir, &[&arguments[..], &demanding].concat());
        let plain = ["--jwt-key", &private, "--subject", "ada", "--role", "organizer"];
        let full = ["--issuer", "https://id.example", "--audience", "b", "--roles-claim", "realm.roles"];
        let good = token(dir.path(), &[&plain[..], &full].concat());
        assert_eq!(create_event(&server, &good).0, "201", "{public}");
        let (status, told) = create_event(&server, &token(dir.path(), &plain));
        assert_eq!((status.as_str(), &told["code"]), ("401", &"unauthenticated".into()), "{public}");
    }
}

#[test]
fn a_key_is_made_shown_once_listed_used_and_revoked() {
    let dir = prepared();
    let mut server = start(&dir, &["--auth", "keys", "--rate-limit", "off", "--log", "trace"]);
    assert_eq!(done(&dir, &server, &["keys", "list"]), "There are no API keys.\n");
    let arguments =
        ["keys", "create", "The shop", "--role", "user,organizer", "--subject", "shop", "--expires", "30days"];
    let told = done(&dir, &server, &arguments);
    let shown = told.lines().next().unwrap().to_owned();
    let id = &shown[3..19];
    assert!(told.contains("shown once") && told.contains("user, organizer") && told.contains(id), "{told}");
    let made = done(&dir, &server, &["keys", "create", "ci", "--role", "organizer", "--json"]);
    let made: Value = serde_json::from_str(&made).unwrap();
    let (second, second_id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert_eq!((create_event(&server, &shown).0, create_event(&server, second).0), ("201".into(), "201".into()));
    let listed = done(&dir, &server, &["keys", "list"]);
    let row = listed.lines().find(|line| line.contains(id)).unwrap();
    assert!(
        row.contains("The shop") && row.contains("shop") && row.contains("active") && row.contains("ago"),
        "{listed}"
    );
    assert!(!listed.contains(&shown[20..]) && !listed.contains(&second[20..]), "{listed}");
    let told = done(&dir, &server, &["keys", "revoke", id]);
    assert!(told.starts_with(&format!("{id} (The shop) lets nobody in since ")), "{told}");
    assert_eq!((create_event(&server, &shown).0, create_event(&server, second).0), ("401".into(), "201".into()));
    let listed: Value = serde_json::from_str(&done(&dir, &server, &["keys", "list", "--json"])).unwrap();
    let state =
        |id: &str| listed["keys"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap()["state"].clone();
    assert_eq!((state(id), state(second_id)), ("revoked".into(), "active".into()));
    refused(&dir, &server, &["keys", "revoke", "0000000000000000"], &["key_not_found"]);
    let none = ["keys", "create", "x", "--role", "user", "--subject", ""];
    assert_refused(&command(dir.path(), &server, &none), 1, &["invalid_request", "/subject"]);
    refused(&dir, &server, &["keys", "list", "--admin-token-file", "missing"], &["missing"]);
    // Whatever was logged, no key is in it.
    let told = server.log_until("lets nobody in");
    assert!(told.iter().any(|line| line["reason"] == "revoked"), "{told:?}");
    server.signal(rustix::process::Signal::TERM);
    let (_, _, rest) = server.wait();
    let log = format!("{told:?}{rest}");
    assert!(!log.contains(&shown[20..]) && !log.contains(&second[20..]));
    assert!(log.contains("revoke-key") && log.contains(id), "{log}");
}

#[test]
fn usage_of_keys_and_token_is_one_line_that_names_the_mistake() {
    let dir = prepared();
    let usage: [(&[&str], &str); 9] = [
        (&["keys", "create", "x"], "--role"),
        (&["keys", "create", "x", "--role", "root"], "user, organizer or admin"),
        (&["keys", "create", "x", "--role", "user", "--expires", "soon"], "--expires"),
        (&["keys", "revoke", "../modules"], "16 digits"),
        (&["keys", "revoke", "9F86D081884C7D65"], "16 digits"),
        (&["token", "--subject", "ada"], "--jwt-key"),
        (&["token", "--jwt-key", "x"], "--subject"),
        (&["token", "--jwt-key", "x", "--subject", "ada", "--role", "root"], "--role"),
        (&["token", "--jwt-key", "x", "--subject", "ada", "--expires", "0s"], "--expires"),
    ];
    for (arguments, says) in usage {
        assert_refused(&run(dir.path(), arguments), 2, &[says]);
    }
    fs::write(dir.path().join("short"), "short\n").unwrap();
    for (file, says) in [
        ("missing".to_owned(), "no such file"),
        ("short".to_owned(), "32 bytes"),
        (key("ed25519.pub"), "public key"),
        (key("p256-sec1.pem"), "pkcs8"),
        (key("certificate.pem"), "no private key"),
    ] {
        let output = run(dir.path(), &["token", "--jwt-key", &file, "--subject", "ada"]);
        assert_refused(&output, 1, &["--jwt-key", says]);
    }
    for command in [&["keys", "create", "--help"][..], &["keys", "list", "--help"], &["token", "--help"]] {
        assert!(String::from_utf8(run(dir.path(), command).stdout).unwrap().contains("Examples:"));
    }
}

/// What could be taken for a secret, and would let in whoever knows it: everybody.
fn write_what_is_no_secret(write: &dyn Fn(&str, &str), oct: &str) {
    let pem = fs::read_to_string(key("p256.pub")).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    write("bare.b64", &base64);
    let rsa = fs::read_to_string(key("rsa.pub")).unwrap();
    write("rsa.b64", &rsa.lines().filter(|line| !line.starts_with('-')).collect::<String>());
    write("jwks.json", &format!(r#"{{"keys":[{oct}]}}"#));
    write("page.html", "<html><head><title>404</title></head><body>nginx</body></html>\n");
    write("page.txt", "404 page not found, and that is all there is to say");
    write("dashes.pem", &pem.replace("BEGIN", "begin"));
    write("same", &"a".repeat(64));
    write("zeros", &"\0".repeat(64));
}

#[test]
fn keys_of_tokens_that_cannot_be_used_are_one_line_and_make_no_database() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let rsa = fs::read_to_string(key("rsa.pub")).unwrap();
    write("cut.pub", &rsa[..rsa.len() / 2]);
    write("short", &"x".repeat(31));
    write("large", &"x".repeat(64 * 1024 + 1));
    let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA";
    let oct = |kid: &str| format!(r#"{{"kty":"oct","kid":"{kid}","k":"{secret}"}}"#);
    write("twice.json", &format!(r#"{{"keys":[{},{}]}}"#, oct("a"), oct("a")));
    write(
        "many.json",
        &format!(r#"{{"keys":[{}]}}"#, (0..65).map(|n| oct(&n.to_string())).collect::<Vec<_>>().join(",")),
    );
    write("weak.json", r#"{"keys":[{"kty":"oct","kid":"a","k":"c2hvcnQ"}]}"#);
    write("nothing.json", r#"{"keys":[{"kty":"EC","crv":"P-384","x":"","y":""},{"kty":"RSA","use":"enc"}]}"#);
    write("private.json", r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"","d":""}]}"#);
    write("point.json", r#"{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}"#);
    write("no.json", "{}");
    write_what_is_no_secret(&write, &oct("a"));
    let key_files = [
        ("missing".to_owned(), "no such file"),
        (".".to_owned(), "not a file"),
        ("short".to_owned(), "31 bytes"),
        ("large".to_owned(), "more than 65536 bytes"),
        ("cut.pub".to_owned(), "no public key"),
        (key("rsa.pem"), "private key"),
        (key("p256-sec1.pem"), "private key"),
        (key("certificate.pem"), "certificate"),
        ("bare.b64".to_owned(), "a key in base64"),
        ("rsa.b64".to_owned(), "a key in base64"),
        ("jwks.json".to_owned(), "--jwks takes"),
        ("page.html".to_owned(), "a document"),
        ("page.txt".to_owned(), "no line of text"),
        ("dashes.pem".to_owned(), "no line of text"),
        ("same".to_owned(), "again and again"),
        ("zeros".to_owned(), "no line of text"),
        (key("rsa1024.pub"), "1024 bits"),
        (key("p384.pub"), "P-256"),
        (key("secp256k1.pub"), "P-256"),
    ];
    let sets = ["twice.json", "many.json", "weak.json", "nothing.json", "private.json", "point.json", "no.json"]
        .into_iter()
        .zip(["the kid of another", "at most 64", "5 bytes", "no key that", "private", "P-256", "no array"]);
    let cases = key_files
        .iter()
        .map(|(file, says)| ("--jwt-key", file.as_str(), *says))
        .chain(sets.map(|(file, says)| ("--jwks", file, says)));
    for (flag, file, says) in cases {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--auth", "jwt", flag, file];
        assert_refused(&run(dir.path(), &serve), 1, &[flag, file, says]);
    }
    let usage: [&[&str]; 6] = [
        &["serve", "--auth", "jwt"],
        &["serve", "--jwt-key", "short"],
        &["serve", "--auth", "keys", "--jwks", "no.json"],
        &["serve", "--auth", "jwt", "--jwt-key", "short", "--jwks", "no.json"],
        &["serve", "--auth", "jwt", "--jwt-key", "short", "--jwt-leeway", "1h"],
        &["serve", "--auth", "jwt", "--jwt-key", "short", "--jwt-issuer", ""],
    ];
    for arguments in usage {
        assert_refused(&run(dir.path(), arguments), 2, &["--jw"]);
    }
    assert!(!dir.path().join("events.db").exists());
}

#[test]
fn keys_of_a_set_that_are_for_something_else_are_passed_over_and_told() {
    let dir = TempDir::new().unwrap();
    let set = r#"{"keys":[
        {"kty":"oct","kid":"a","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
        {"kty":"RSA","use":"enc","kid":"b"},
        {"kty":"EC","crv":"P-521","kid":"c"},
        {"kty":"AKP","alg":"ML-DSA-44","kid":"d"},
        {"kty":"oct","alg":"HS512","kid":"e","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
        {"kty":"oct","key_ops":["sign"],"kid":"f","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}]}"#;
    fs::write(dir.path().join("jwks.json"), set).unwrap();
    let server = Running::start(&dir, &["--auth", "jwt", "--jwks", "jwks.json"]);
    let told: Vec<_> =
        server.started.iter().filter(|line| line["message"].to_string().contains("passed over")).collect();
    assert_eq!(told.len(), 5, "{:?}", server.started);
    // The one that is taken, by its name.
    fs::write(dir.path().join("secret"), "secret-secret-secret-secret-secret").unwrap();
    let plain = ["--jwt-key", "secret", "--subject", "ada", "--role", "organizer"];
    let good = token(dir.path(), &[&plain[..], &["--kid", "a"]].concat());
    assert_eq!(create_event(&server, &good).0, "201");
    let other = token(dir.path(), &[&plain[..], &["--kid", "e"]].concat());
    assert_eq!(create_event(&server, &other).0, "401");
}
