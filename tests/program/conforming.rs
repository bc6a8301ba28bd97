//! `boxoffice rules test`

mod faults;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Mutex;

use harness::broken_rules;
use serde_json::Value;
use tempfile::TempDir;

use crate::checking::STANDARD;
use crate::running::{assert_refused, program, run};
use faults::{FAULTS, Fault};

/// Modules at the same time: each waits more than it works.
const TOGETHER: usize = 3;
/// Bytes of the names of one module's faults.
const ROOM: usize = 112;

/// Compiled modules are kept between the tests, and from one run of them to the next.
fn cache() -> String {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("conforming").display().to_string()
}

/// `rules test` of this module, with `more`.
fn test(dir: &TempDir, module: &str, more: &[&str]) -> Output {
    run(dir.path(), &[&["rules", "test", module, "--cache-dir", &cache()], more].concat())
}

/// What `--json` says, and the exit code.
fn json(dir: &TempDir, module: &str, more: &[&str]) -> (Option<i32>, Value) {
    let output = test(dir, module, &[&["--json"], more].concat());
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((stdout.lines().count(), stderr.as_str()), (1, ""), "one object: {stdout}");
    (output.status.code(), serde_json::from_str(&stdout).unwrap())
}

/// The ids of checks with this outcome.
fn ids(report: &Value, outcome: &str) -> BTreeSet<String> {
    let checks = report["checks"].as_array().into_iter().flatten().filter(|check| check["outcome"] == outcome);
    checks.filter_map(|check| check["id"].as_str().map(str::to_owned)).collect()
}

fn broken(dir: &TempDir, faults: &[&str]) -> PathBuf {
    let path = dir.path().join(format!("{}.wasm", faults.join("-")));
    std::fs::write(&path, broken_rules(faults)).unwrap();
    path
}

/// Faults that no check has in common, together in one module: what fails is then for one of them alone.
fn groups() -> Vec<Vec<&'static Fault>> {
    let mut groups: Vec<Vec<&'static Fault>> = Vec::new();
    for fault in FAULTS {
        let fits = |group: &&mut Vec<&Fault>| {
            let names: usize = group.iter().map(|(name, ..)| name.len() + 1).sum();
            let apart = group.iter().all(|(_, _, ids)| ids.iter().all(|id| !fault.2.contains(id)));
            names + fault.0.len() <= ROOM && apart
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(fault),
            None => groups.push(vec![fault]),
        }
    }
    groups
}

#[test]
fn the_standard_rules_keep_every_promise_and_leave_nothing_behind() {
    let dir = TempDir::new().unwrap();
    let mut command = program(dir.path());
    command.env("TMPDIR", dir.path()).args(["rules", "test", STANDARD, "--contract", "standard", "--json"]);
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), report["passed"].as_bool()), (Some(0), Some(true)), "{report}");
    assert_eq!((ids(&report, "failed").len(), ids(&report, "skipped").len()), (0, 0), "{report}");
    assert_eq!(
        (report["totals"]["skips"].as_u64(), report["totals"]["warnings"].as_u64()),
        (Some(0), Some(0)),
        "{report}"
    );
    let told = (report["seed"].as_u64(), report["contract"].as_str(), report["module"]["name"].as_str());
    assert_eq!(told, (Some(1), Some("standard"), Some("standard")));
    let usage = report["usage"].as_array().unwrap();
    assert!(usage.len() == 11 && usage.iter().all(|route| route["runs"].as_u64() > Some(50)), "{report}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "no folder is left");
}

#[test]
fn each_fault_is_found_by_its_checks_and_by_no_other() {
    let dir = TempDir::new().unwrap();
    let left = Mutex::new(groups());
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                while let Some(group) = { left.lock().unwrap().pop() } {
                    let names: Vec<_> = group.iter().map(|(name, ..)| *name).collect();
                    let expected: BTreeSet<_> =
                        group.iter().flat_map(|(_, _, ids)| ids.iter().map(ToString::to_string)).collect();
                    let module = broken(&dir, &names);
                    let (code, report) = json(&dir, module.to_str().unwrap(), &["--contract", "standard"]);
                    let failed = ids(&report, "failed");
                    if (code, &failed) != (Some(1), &expected) {
                        found
                            .lock()
                            .unwrap()
                            .push(format!("{names:?}: exit code {code:?}, failed {failed:?}, expected {expected:?}"));
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn without_a_fault_the_broken_module_keeps_every_promise_and_every_check_has_a_fault_that_it_finds() {
    let dir = TempDir::new().unwrap();
    let module = broken(&dir, &["none"]);
    let (code, report) = json(&dir, module.to_str().unwrap(), &["--contract", "standard", "--seed", "7"]);
    assert_eq!((code, ids(&report, "failed").len()), (Some(0), 0), "{report}");
    let found: BTreeSet<_> = FAULTS.iter().flat_map(|(_, _, ids)| ids.iter().map(ToString::to_string)).collect();
    assert_eq!(ids(&report, "passed"), found, "a check that nothing fails finds nothing");
}

#[test]
fn rules_of_another_api_break_every_promise_of_the_bookings() {
    let dir = TempDir::new().unwrap();
    let (code, report) = json(&dir, STANDARD, &["--contract", "bookings"]);
    let (failed, of_bookings): (BTreeSet<_>, BTreeSet<_>) = (
        ids(&report, "failed"),
        report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|check| check["id"].as_str().filter(|id| id.starts_with("book-")).map(str::to_owned))
            .collect(),
    );
    assert_eq!((code, failed, of_bookings.len()), (Some(1), of_bookings.clone(), 8), "{report}");
}

#[test]
fn the_report_tells_an_author_what_was_asked_expected_and_seen_and_what_to_do() {
    let dir = TempDir::new().unwrap();
    let module = broken(&dir, &["expired-code", "trap-surrogate"]);
    let output = test(
        &dir,
        module.to_str().unwrap(),
        &["--contract", "standard", "--only", "std-hold-expired", "std-confirm", "bad-input"],
    );
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), stderr.as_str()), (Some(1), ""), "{stdout}");
    let words = [
        "broken 0.1.0",
        "✗ std-hold-expired",
        "✓ std-confirm",
        "A confirm at or after `expires_at` is 409 `hold_expired`, swept or not.",
        "expected  A confirm at expires_at is 409 hold_expired.",
        r#"/code is "ticket_cancelled", not "hold_expired""#,
        "request   curl -i -X POST 'http://127.0.0.1:8080/tickets/",
        "what to do: answer hold-expired of tickets.confirm with 409 and that code",
        "✗ bad-input",
        "the run failed: trap: ",
        "what half of a character is, nobody knows",
        "1 passed, 2 failed, 0 skipped;",
        "seed 1",
        "(limit)",
    ];
    for word in words {
        assert!(stdout.contains(word), "{word:?} is missing in {stdout}");
    }
    assert!(!stdout.contains('\x1b'), "colours are for terminals");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let dir = TempDir::new().unwrap();
    let module = broken(&dir, &["trap-surrogate"]);
    let checks = |seed: &str| {
        let more = ["--only", "routes-answer", "bad-input", "deterministic", "--seed", seed];
        json(&dir, module.to_str().unwrap(), &more).1["checks"].clone()
    };
    let first = checks("5");
    assert_eq!(first, checks("5"));
    assert_ne!(first, checks("6"), "other ids, other mutations");
}

#[test]
fn what_no_host_would_serve_is_refused_in_two_lines_or_one_object() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("text.wasm"), "nonsense").unwrap();
    for (file, refusal) in [("text.wasm", "not-a-component"), ("missing.wasm", "unavailable")] {
        let output = test(&dir, file, &[]);
        assert_refused(&output, 1, &[file, &format!("refused: {refusal}: ")]);
        assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 2);
        let (code, told) = json(&dir, file, &[]);
        assert_eq!((code, told["passed"].as_bool(), told["refusal"].as_str()), (Some(1), Some(false), Some(refusal)));
        assert!(told["message"].is_string() && told["advice"].is_string(), "{told}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2_and_names_what_there_is() {
    let dir = TempDir::new().unwrap();
    let output = test(&dir, STANDARD, &["--only", "std-confirm"]);
    assert_refused(&output, 2, &["--only std-confirm", "--contract none", "no-oversell, roles-hold"]);
    let output = test(&dir, STANDARD, &["--contract", "mine"]);
    assert_refused(&output, 2, &["--contract"]);
}

#[test]
fn a_module_comes_from_stdin_too() {
    let dir = TempDir::new().unwrap();
    let mut command = program(dir.path());
    command.args(["rules", "test", "-", "--only", "no-oversell", "--json", "--cache-dir", &cache()]);
    let output = command.stdin(Stdio::from(std::fs::File::open(STANDARD).unwrap())).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), ids(&report, "passed").len()), (Some(0), 1), "{report}");
}

#[test]
fn what_cannot_be_tried_is_skipped_with_a_reason_and_counted() {
    let dir = TempDir::new().unwrap();
    let module = harness::exact_rules();
    let (code, report) = json(&dir, module.to_str().unwrap(), &["--only", "no-oversell", "as-described", "roles-hold"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(ids(&report, "skipped"), ["as-described", "no-oversell"].map(str::to_owned).into());
    let reasons = report["checks"][0]["skipped"].as_array().unwrap();
    assert_eq!(reasons, &["no route was seen to register anybody"]);
    assert!(report["totals"]["skips"].as_u64() > Some(2), "{report}");
}
