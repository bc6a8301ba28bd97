//! Settings about who is let in that do nothing, are unsafe, or fail for a while: how their operator is told.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use tempfile::TempDir;

use crate::credentials::{create_event, key, token};
use crate::operating::prepared;
use crate::running::{Running, assert_refused, program, run};

/// A JWK set with this secret, by this name.
fn set(kid: &str) -> String {
    format!(r#"{{"keys":[{{"kty":"oct","kid":"{kid}","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}}]}}"#)
}

fn write(dir: &Path, name: &str, mode: u32, content: &[u8]) {
    fs::write(dir.join(name), content).unwrap();
    fs::set_permissions(dir.join(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn settings_that_would_do_nothing_are_refused_by_name_wherever_they_come_from() {
    let dir = TempDir::new().unwrap();
    let cases: [(&[&str], &str, &str); 7] = [
        (&["--jwt-issuer", "x"], "--jwt-issuer", "--auth jwt"),
        (&["--auth", "keys", "--jwt-audience", "a,b"], "--jwt-audience", "--auth jwt"),
        // What is also the default was said all the same.
        (&["--auth", "keys", "--jwt-leeway", "30s"], "--jwt-leeway", "--auth jwt"),
        (&["--jwt-roles-claim", "roles"], "--jwt-roles-claim", "--auth jwt"),
        (&["--jwt-roles-claim", "roles", "--print-config"], "--jwt-roles-claim", "--auth jwt"),
        (&["--rate-limit-by", "credential"], "--rate-limit-by", "--auth header"),
        (&["--auth", "header", "--rate-limit-by", "credential", "--print-config"], "--rate-limit-by", "--auth header"),
    ];
    for (arguments, flag, why) in cases {
        assert_refused(&run(dir.path(), &[&["serve"], arguments].concat()), 2, &[flag, why]);
    }
    let output = program(dir.path()).arg("serve").env("BOXOFFICE_JWT_LEEWAY", "10s").output().unwrap();
    assert_refused(&output, 2, &["--jwt-leeway"]);
    write(dir.path(), "boxoffice.toml", 0o600, b"jwt-roles-claim = \"groups\"\n");
    assert_refused(&run(dir.path(), &["serve", "--config", "boxoffice.toml"]), 2, &["--jwt-roles-claim"]);
    let fine: [&[&str]; 3] = [
        &["--auth", "jwt", "--jwt-key", "x", "--jwt-issuer", "x", "--jwt-leeway", "0s", "--jwt-roles-claim", "x"],
        &["--auth", "keys", "--rate-limit-by", "credential"],
        &["--rate-limit-by", "address"],
    ];
    for arguments in fine {
        let output = run(dir.path(), &[&["serve", "--print-config"], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn credentials_that_anybody_on_the_way_can_read_are_told_of() {
    let dir = TempDir::new().unwrap();
    let (certificate, private) = (key("certificate.pem"), key("rsa.pem"));
    let tls = ["--auth", "keys", "--tls-cert", &certificate, "--tls-key", &private];
    let cases: [(&str, &[&str], bool); 5] = [
        ("0.0.0.0:0", &["--auth", "keys"], true),
        ("[::]:0", &["--auth", "jwt,keys", "--jwt-key", "x"], true),
        ("127.0.0.1:0", &["--auth", "keys"], false),
        ("0.0.0.0:0", &["--auth", "keys", "--trusted-proxy", "10.0.0.0/8"], false),
        ("0.0.0.0:0", &tls, false),
    ];
    for (address, more, told) in cases {
        // It goes on to the next thing that stops it.
        let stops = ["serve", "--listen", address, "--admin-listen", "127.0.0.1:0", "--admin-token-file", "missing"];
        let output = run(dir.path(), &[&stops, more].concat());
        assert_refused(&output, 1, &["--admin-token-file"]);
        let log = String::from_utf8(output.stderr).unwrap();
        let lines = log.lines().filter(|line| line.contains("WARN") && line.contains("can be read on their way"));
        assert_eq!(lines.count(), usize::from(told), "{address} {more:?}: {log}");
    }
}

#[test]
fn secrets_that_others_can_read_are_told_of_with_what_to_do() {
    let dir = TempDir::new().unwrap();
    let (certificate, private) = (key("certificate.pem"), fs::read(key("rsa.pem")).unwrap());
    let public = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    for (mode, told) in [(0o644, true), (0o600, false)] {
        write(dir.path(), "key.pem", mode, &private);
        write(dir.path(), "jwks.json", mode, set("a").as_bytes());
        write(dir.path(), "public.json", mode, public.as_bytes());
        for (flag, file, more) in [
            ("--jwks", "jwks.json", ["--auth", "jwt", "--jwks", "jwks.json"]),
            ("--tls-key", "key.pem", ["--tls-cert", &certificate, "--tls-key", "key.pem"]),
        ] {
            let started = Running::start(&dir, &more).started.clone();
            let lines = started.iter().filter_map(|line| line["message"].as_str());
            let warned = lines.filter(|line| line.contains(flag) && line.contains(&format!("chmod 600 {file}")));
            assert_eq!(warned.count(), usize::from(told), "{mode:o} {started:?}");
        }
        // Public keys are for everybody.
        let started = Running::start(&dir, &["--auth", "jwt", "--jwks", "public.json"]).started.clone();
        assert!(!started.iter().any(|line| line.to_string().contains("chmod")), "{started:?}");
    }
}

#[test]
fn a_token_that_names_a_key_where_the_host_s_has_no_name_is_told_in_the_log_what_to_do() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "secret", 0o600, b"secret-secret-secret-secret-secret");
    let mut server = Running::start(&dir, &["--auth", "jwt", "--jwt-key", "secret"]);
    let plain = ["--jwt-key", "secret", "--subject", "ada", "--role", "organizer"];
    assert_eq!(create_event(&server, &token(dir.path(), &plain)).0, "201");
    assert_eq!(create_event(&server, &token(dir.path(), &[&plain[..], &["--kid", "a"]].concat())).0, "401");
    let log = server.log_until("lets nobody in");
    let why = log.last().unwrap()["why"].as_str().unwrap();
    assert!(why.contains("kid") && why.contains("use --jwks"), "{why}");
}

#[test]
fn a_file_of_keys_that_could_not_be_opened_is_tried_again_without_a_change() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "jwks.json", 0o600, set("before").as_bytes());
    let mut server = Running::start(&dir, &["--auth", "jwt", "--jwks", "jwks.json"]);
    let maximum = getrlimit(Resource::Nofile).maximum;
    let files = |current| prlimit(Some(server.pid()), Resource::Nofile, Rlimit { current, maximum }).unwrap();
    // Nothing more can be opened.
    let before = files(Some(1)).current;
    write(dir.path(), "next.json", 0o600, set("after").as_bytes());
    fs::rename(dir.path().join("next.json"), dir.path().join("jwks.json")).unwrap();
    let log = server.log_until("the keys before go on");
    assert!(log.last().unwrap()["message"].as_str().unwrap().contains("open files"), "{log:?}");
    let files = |current| prlimit(Some(server.pid()), Resource::Nofile, Rlimit { current, maximum }).unwrap();
    files(before);
    let log = server.log_until("the keys of tokens are exchanged");
    let again = log.iter().filter(|line| line["message"].as_str().is_some_and(|said| said.contains("go on")));
    assert_eq!(again.count(), 0, "told once: {log:?}");
    write(dir.path(), "secret", 0o600, b"secret-secret-secret-secret-secret");
    let plain = ["--jwt-key", "secret", "--subject", "ada", "--role", "organizer", "--kid", "after"];
    assert_eq!(create_event(&server, &token(dir.path(), &plain)).0, "201");
}

#[test]
fn a_host_that_does_not_answer_is_told_with_the_command_that_shows_what_was_done() {
    let dir = prepared();
    // It accepts, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let cases: [(&[&str], &str); 3] = [
        (&["keys", "create", "x", "--role", "user"], "(boxoffice keys list; revoke the one that nobody has)"),
        (&["keys", "revoke", "0000000000000000"], "(boxoffice keys list; revoke it again if it is active)"),
        (&["rules", "rollback"], "(boxoffice rules list)"),
    ];
    let asking = cases.map(|(arguments, advice)| {
        let mut command = program(dir.path());
        command.args(arguments).args(["--timeout", "1s", "--admin", &url, "--admin-token-file", "token"]);
        (command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), advice)
    });
    for (child, advice) in asking {
        let output = child.wait_with_output().unwrap();
        assert_refused(&output, 1, &["has not answered within 1s"]);
        assert!(String::from_utf8_lossy(&output.stderr).contains(advice), "{output:?}");
    }
}
