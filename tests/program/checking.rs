//! `boxoffice rules check`

use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::running::{Running, assert_refused, program, run};

/// The standard rules, as the host has them built in.
pub(crate) const STANDARD: &str = env!("STANDARD_RULES_COMPONENT");

/// What `rules check --json` says, and its exit code.
pub(crate) fn check(dir: &TempDir, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = run(dir.path(), &[&["rules", "check", "--json"], arguments].concat());
    let stderr = String::from_utf8(output.stderr).unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.lines().count(), 1, "one object: {stdout} {stderr}");
    (output.status.code(), serde_json::from_str(&stdout).unwrap(), stderr)
}

#[test]
fn a_good_module_is_told_with_its_routes_and_what_it_may_do() {
    let dir = TempDir::new().unwrap();
    let output = run(dir.path(), &["rules", "check", STANDARD]);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{stdout}");
    let words = ["standard 0.1.0", "KiB", "boxoffice:rules/tickets@0.1.0", "atomic-register, confirm", "cli/stderr"];
    for word in words {
        assert!(stdout.contains(word), "{word} is missing in {stdout}");
    }
    let route = stdout.lines().find(|line| line.ends_with(" register")).unwrap_or_default();
    let words: Vec<_> = route.split_whitespace().collect();
    assert_eq!(words, ["POST", "/events/{id}/register", "user", "register"], "{stdout}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn json_says_the_same_to_scripts() {
    let dir = TempDir::new().unwrap();
    let (code, told, _) = check(&dir, &[STANDARD]);
    assert_eq!((code, &told["accepted"], &told["cached"]), (Some(0), &true.into(), &false.into()));
    let size = std::fs::metadata(STANDARD).unwrap().len();
    assert_eq!((told["name"].as_str(), told["bytes"].as_u64()), (Some("standard"), Some(size)));
    assert!(told["code_bytes"].as_u64() > Some(size) && told["load_ms"].as_f64() >= told["compile_ms"].as_f64());
    assert_eq!(
        told["routes"][1],
        serde_json::json!({"id": "list-events", "method": "GET", "path": "/events", "access": "public"})
    );
    let functions =
        &told["imports"].as_array().unwrap().iter().find(|import| import["inert"] == false).unwrap()["functions"];
    assert_eq!(functions, &serde_json::json!(["create", "get", "list", "update"]));
    let server = Running::start(&dir, &[]);
    assert_eq!(server.rules_loaded()["module"], told["digest"], "it is what is served");
}

#[test]
fn a_bad_module_is_two_lines_and_exit_code_1() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("text.wasm"), "nonsense").unwrap();
    std::fs::write(dir.path().join("empty.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    let files = wat::parse_str(r#"(component (import "wasi:filesystem/types@0.2.6" (instance)))"#).unwrap();
    std::fs::write(dir.path().join("files.wasm"), files).unwrap();
    let cases = [
        ("text.wasm", "not-a-component", "wasm32-wasip2"),
        ("empty.wasm", "wrong-exports", "manifest and handler"),
        ("files.wasm", "wrong-imports", "wit/ folder"),
        ("missing.wasm", "unavailable", "see the message"),
    ];
    for (file, refusal, advice) in cases {
        let output = run(dir.path(), &["rules", "check", file]);
        assert_refused(&output, 1, &[file, &format!("refused: {refusal}: ")]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr.lines().count(), 2, "{stderr}");
        assert!(stderr.lines().nth(1).unwrap().contains(advice), "{stderr}");
        let (code, told, stderr) = check(&dir, &[file]);
        assert_eq!((code, told["accepted"].as_bool(), stderr.as_str()), (Some(1), Some(false), ""));
        assert_eq!(told["refusal"], refusal);
        assert!(told["advice"].as_str().unwrap().contains(advice) && told["message"].is_string());
    }
}

#[test]
fn a_module_comes_from_stdin_too() {
    let dir = TempDir::new().unwrap();
    let mut command = program(dir.path());
    command.args(["rules", "check", "-", "--json"]).stdin(Stdio::from(std::fs::File::open(STANDARD).unwrap()));
    let told: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(told["name"], "standard");
}

#[test]
fn limits_come_from_flags_and_environment_and_wrong_usage_is_exit_code_2() {
    let dir = TempDir::new().unwrap();
    let (code, told, _) = check(&dir, &[STANDARD, "--rules-memory", "1MiB"]);
    assert_eq!((code, told["refusal"].as_str()), (Some(1), Some("over-limits")), "{told}");
    assert!(told["message"].as_str().unwrap().contains("--rules-memory"), "{told}");
    let mut command = program(dir.path());
    command.args(["rules", "check", "--json", STANDARD]).env("BOXOFFICE_RULES_MEMORY", "1MiB");
    let told: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(told["refusal"], "over-limits");
    assert_refused(&run(dir.path(), &["rules", "check"]), 2, &["FILE"]);
    assert_refused(&run(dir.path(), &["rules", "check", STANDARD, "--colour"]), 2, &["--colour"]);
    assert_refused(&run(dir.path(), &["rules", "dance"]), 2, &["dance"]);
}

#[test]
fn help_lists_the_command_and_hides_the_compiler() {
    let dir = TempDir::new().unwrap();
    let help = |arguments: &[&str]| String::from_utf8(run(dir.path(), arguments).stdout).unwrap();
    let all = help(&["--help"]);
    assert!(all.contains("rules") && !all.contains("compile-module"), "{all}");
    let check = help(&["rules", "check", "--help"]);
    for word in ["Examples:", "--json", "--rules-cpu", "--compile-timeout", "--cache-dir"] {
        assert!(check.contains(word), "{word} is missing in {check}");
    }
}
