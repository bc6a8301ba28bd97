//! `boxoffice rules push|list|activate|rollback|delete` and `boxoffice check`, against the running program.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use harness::under_another_digest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::checking::STANDARD;
use crate::running::{Running, assert_refused, program, run};

/// Every test's token.
pub(crate) const TOKEN: &str = "the-token-of-a-test";

/// A folder with the operator's token and two versions of the standard rules.
pub(crate) fn prepared() -> TempDir {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let standard = fs::read(STANDARD).unwrap();
    for name in ["one", "two"] {
        fs::write(dir.path().join(name).with_extension("wasm"), under_another_digest(&standard, name)).unwrap();
    }
    dir
}

pub(crate) fn start(dir: &TempDir, more: &[&str]) -> Running {
    Running::start(dir, &[&["--admin-token-file", "token"], more].concat())
}

/// A command of the operator's; what is not given comes from the environment.
pub(crate) fn command(dir: &Path, server: &Running, arguments: &[&str]) -> Output {
    let mut command = program(dir);
    command
        .env("BOXOFFICE_ADMIN", format!("http://{}", server.admin_address))
        .env("BOXOFFICE_ADMIN_TOKEN_FILE", "token");
    command.args(arguments).output().unwrap()
}

/// What a command says that does what it was asked for.
#[track_caller]
pub(crate) fn done(dir: &TempDir, server: &Running, arguments: &[&str]) -> String {
    let output = command(dir.path(), server, arguments);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{stdout}");
    stdout
}

/// What a command says that is refused.
#[track_caller]
pub(crate) fn refused(dir: &TempDir, server: &Running, arguments: &[&str], says: &[&str]) {
    let output = command(dir.path(), server, arguments);
    assert_refused(&output, 1, says);
    assert!(String::from_utf8_lossy(&output.stderr).contains("\n  what to do: "));
}

#[test]
fn a_module_is_pushed_listed_activated_rolled_back_and_deleted() {
    let dir = prepared();
    let server = start(&dir, &[]);
    let told = done(&dir, &server, &["rules", "push", "one.wasm"]);
    let digest = told.lines().find_map(|line| line.trim().strip_prefix("digest")).unwrap().trim().to_owned();
    assert!(
        told.starts_with("standard 0.1.0: ") && told.contains("KiB") && told.contains("serves nobody yet"),
        "{told}"
    );
    let short = &digest[..12];
    assert!(told.ends_with(&format!("boxoffice rules activate {short}\n")), "{told}");
    assert!(done(&dir, &server, &["rules", "push", "one.wasm"]).contains("known already"));

    let told = done(&dir, &server, &["rules", "activate", short, "--canary", "2.5"]);
    assert_eq!(told, format!("{short} (standard 0.1.0) serves 2.5 % of the callers now, and is watched\n"));
    let list = done(&dir, &server, &["rules", "list"]);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let row = |name: &str| list.lines().map(words).find(|row| row.first().is_some_and(|first| first == name)).unwrap();
    assert_eq!(row("standard")[..6], ["standard", "standard", "0.1.0", "active", "97.5", "%"]);
    assert_eq!(row(short)[..6], [short, "standard", "0.1.0", "canary", "2.5", "%"]);
    assert!(list.contains(&format!("The canary {short} serves 2.5 % of the callers, begun ")), "{list}");
    assert_eq!(row("canary"), ["canary", "0", "0", "0", "0"]);
    assert!(list.lines().any(|line| line.contains(" uploaded ") && line.contains(short)), "{list}");

    let told = done(&dir, &server, &["rules", "rollback"]);
    assert_eq!(told, format!("the canary {short} has ended; standard serves everybody now\n"));
    assert!(done(&dir, &server, &["rules", "push", "two.wasm", "--activate"]).contains("serves everybody now"));
    assert_eq!(done(&dir, &server, &["rules", "rollback"]), "standard serves everybody again\n");
    let told = done(&dir, &server, &["rules", "activate", short, "--shadow"]);
    assert!(told.contains("changes nothing"), "{told}");
    refused(&dir, &server, &["rules", "delete", short], &["module_in_use", "shadow"]);
    let told = done(&dir, &server, &["rules", "activate", short, "--off"]);
    assert!(told.contains("neither canary nor shadow"), "{told}");
    assert_eq!(done(&dir, &server, &["rules", "delete", short]), format!("{digest} is deleted\n"));
    refused(&dir, &server, &["rules", "activate", short], &["module_not_found", short]);
    assert_eq!(done(&dir, &server, &["check"]), "everything holds\n");
}

#[test]
fn json_is_what_the_host_says() {
    let dir = prepared();
    let server = start(&dir, &[]);
    let lines = |arguments: &[&str]| {
        let output = command(dir.path(), &server, arguments);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "JSON goes to stdout, whatever it is");
        let stdout = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code(), lines)
    };
    let (code, told) = lines(&["rules", "push", "one.wasm", "--canary", "5", "--json"]);
    assert_eq!((code, told.len(), &told[0]["known"], &told[1]["state"]), (Some(0), 2, &json!(false), &json!("canary")));
    let (code, told) = lines(&["rules", "list", "--json"]);
    assert_eq!((code, &told[0]["canary"]["percent"]), (Some(0), &json!(5.0)));
    let (code, told) = lines(&["rules", "rollback", "--json"]);
    assert_eq!((code, &told[0]["active"]), (Some(0), &json!("standard")));
    let (code, told) = lines(&["rules", "rollback", "--json"]);
    assert_eq!((code, &told[0]["code"], &told[0]["status"]), (Some(1), &json!("nothing_before"), &json!(409)));
    let (code, told) = lines(&["rules", "list", "--json", "--admin", "http://127.0.0.1:1"]);
    assert_eq!((code, &told[0]["code"]), (Some(1), &json!("unreachable")));
    let (code, told) = lines(&["check", "--json"]);
    assert_eq!((code, &told[0]), (Some(0), &json!({"sound": true, "violations": []})));
}

#[test]
fn what_the_host_refuses_is_told_by_name_with_what_to_do() {
    let dir = prepared();
    let server = start(&dir, &[]);
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    write("cut.wasm", &fs::read(STANDARD).unwrap()[..1000]);
    write("large.wasm", &vec![0; 65 * 1024 * 1024]);
    write("other-token", b"the-token-of-another\n");
    write("one.wasm.sig", b"two\nlines\n");
    refused(&dir, &server, &["rules", "push", "cut.wasm"], &["not-a-component"]);
    refused(&dir, &server, &["rules", "push", "large.wasm"], &["large.wasm", "64 MiB"]);
    refused(&dir, &server, &["rules", "push", "missing.wasm"], &["missing.wasm"]);
    refused(&dir, &server, &["rules", "push", "one.wasm"], &["signature"]);
    refused(&dir, &server, &["rules", "push", "two.wasm", "--signature", "missing.sig"], &["missing.sig"]);
    refused(&dir, &server, &["rules", "list", "--admin-token-file", "other-token"], &["refuses the token"]);
    refused(&dir, &server, &["rules", "list", "--admin-token-file", "missing"], &["missing"]);
    refused(
        &dir,
        &server,
        &["rules", "list", "--admin", "http://127.0.0.1:1"],
        &["http://127.0.0.1:1", "cannot be reached"],
    );
    let rest = format!("http://{}", server.address);
    refused(&dir, &server, &["rules", "list", "--admin", &rest], &[&rest, "does not answer as the operator's surface"]);
    let output = run(dir.path(), &["rules", "list"]);
    assert_refused(&output, 1, &["token is missing"]);

    let usage: [(&[&str], &str); 8] = [
        (&["rules", "push", "one.wasm", "--canary", "101"], "0.01 to 100"),
        (&["rules", "activate", "standard", "--canary", "0"], "0.01 to 100"),
        (&["rules", "activate", "../../etc"], "digest"),
        (&["rules", "activate", "standard", "--off", "--shadow"], "--shadow"),
        (&["rules", "push", "one.wasm", "--activate", "--canary", "5"], "--canary"),
        (&["rules", "list", "--admin", "https://127.0.0.1:8081"], "plain HTTP"),
        (&["rules", "list", "--admin", "127.0.0.1:8081"], "http://HOST:PORT"),
        (&["rules", "list", "--admin", "http://127.0.0.1:99999"], "http://HOST:PORT"),
    ];
    for (arguments, says) in usage {
        assert_refused(&run(dir.path(), arguments), 2, &[says]);
    }
    let list = server.operator(TOKEN).list().unwrap();
    assert_eq!((list["modules"].as_array().unwrap().len(), list["history"].as_array().unwrap().len()), (1, 0));
    assert!(server.json("GET", "/events", "", "").0.starts_with("HTTP/1.1 200"));
}

#[test]
fn a_host_without_a_token_says_how_to_get_one() {
    let dir = prepared();
    let server = Running::start(&dir, &[]);
    let output = command(dir.path(), &server, &["rules", "list"]);
    assert_refused(&output, 1, &["operator_token_not_configured"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("--admin-token-file FILE"));
}

#[test]
fn a_violated_invariant_is_exit_code_1() {
    let dir = prepared();
    let server = start(&dir, &[]);
    server.json("POST", "/events", "organizer", r#"{"name": "x", "capacity": 1}"#);
    let db = rusqlite::Connection::open(dir.path().join("events.db")).unwrap();
    db.pragma_update(None, "ignore_check_constraints", true).unwrap();
    db.execute("UPDATE events SET available_spots = 7", []).unwrap();
    let output = command(dir.path(), &server, &["check"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.starts_with("violated:\n  ") && told.contains("available"), "{told}");
}

#[test]
fn a_signature_beside_the_module_goes_with_it() {
    let dir = prepared();
    run(dir.path(), &["rules", "keygen", "k"]);
    let server = start(&dir, &["--rules-trust", "k.pub"]);
    refused(&dir, &server, &["rules", "push", "one.wasm"], &["unsigned"]);
    assert!(run(dir.path(), &["rules", "sign", "--key", "k", "one.wasm"]).status.success());
    let told = done(&dir, &server, &["rules", "push", "one.wasm", "--activate"]);
    assert!(told.contains("signed  by "), "{told}");
    fs::copy(dir.path().join("one.wasm.sig"), dir.path().join("elsewhere")).unwrap();
    let of_another = ["rules", "push", "two.wasm", "--signature", "elsewhere"];
    refused(&dir, &server, &of_another, &["wrong-signature"]);
}

#[test]
fn a_token_that_is_none_stops_the_start_and_one_that_others_can_read_is_told() {
    let dir = TempDir::new().unwrap();
    let write = |text: &str| fs::write(dir.path().join("token"), text).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--admin-token-file", "token"];
    assert_refused(&run(dir.path(), &serve), 1, &["--admin-token-file token"]);
    for text in ["", "\n", "short", "two words are not a token", "two-lines-are\nnot-a-token", &"x".repeat(1025)] {
        write(text);
        assert_refused(&run(dir.path(), &serve), 1, &["--admin-token-file token", "16 to 1024"]);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was made");
    write(&"x".repeat(1024));
    fs::set_permissions(dir.path().join("token"), Permissions::from_mode(0o644)).unwrap();
    let server = start(&dir, &[]);
    let warned =
        server.started.iter().any(|line| line["level"] == "WARN" && line["message"].to_string().contains("chmod 600"));
    assert!(warned, "{:?}", server.started);
    // What is in force is told; the token is not.
    let printed = run(dir.path(), &["serve", "--admin-token-file", "token", "--print-config"]);
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.contains("admin-token-file") && !printed.contains("xxx"), "{printed}");
    // As from a file of settings.
    fs::write(dir.path().join("settings.toml"), "admin-token-file = \"token\"\nupload-timeout = \"5s\"\n").unwrap();
    let printed = run(dir.path(), &["serve", "--config", "settings.toml", "--print-config"]);
    let printed = String::from_utf8(printed.stdout).unwrap();
    let line = printed.lines().find(|line| line.starts_with("upload-timeout")).unwrap();
    assert!(line.contains("5s") && line.ends_with("file"), "{printed}");
}
