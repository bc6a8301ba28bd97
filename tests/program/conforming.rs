//! `boxoffice rules test`

mod faults;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Mutex;

use harness::broken_rules;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::checking::STANDARD;
use crate::running::{assert_refused, ending_signals, program, run};
use faults::{FAULTS, Fault, OF_BOOKINGS};

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

/// Faults that no check has in common, together in one module: what fails is then for one of them alone. Names that all modules have take
/// some of the room.
fn groups(faults: &'static [Fault], taken: usize) -> Vec<Vec<&'static Fault>> {
    let mut groups: Vec<Vec<&'static Fault>> = Vec::new();
    for fault in faults {
        let fits = |group: &&mut Vec<&Fault>| {
            let names: usize = group.iter().map(|(name, ..)| name.len() + 1).sum();
            let apart = group.iter().all(|(_, _, ids)| ids.iter().all(|id| !fault.2.contains(id)));
            taken + names + fault.0.len() <= ROOM && apart
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
    let of = |contract: &'static str, common: &'static [&'static str], faults: &'static [Fault]| {
        let taken = common.iter().map(|name| name.len() + 1).sum();
        groups(faults, taken).into_iter().map(move |group| (contract, common, group))
    };
    let bookings = of("bookings", &["bookings"], OF_BOOKINGS);
    let left = Mutex::new(of("standard", &[], FAULTS).chain(bookings).collect::<Vec<_>>());
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                while let Some((contract, common, group)) = { left.lock().unwrap().pop() } {
                    let names: Vec<_> = common.iter().copied().chain(group.iter().map(|(name, ..)| *name)).collect();
                    let expected: BTreeSet<_> =
                        group.iter().flat_map(|(_, _, ids)| ids.iter().map(ToString::to_string)).collect();
                    let module = broken(&dir, &names);
                    let (code, report) = json(&dir, module.to_str().unwrap(), &["--contract", contract]);
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
    let mut passed = BTreeSet::new();
    for (contract, name) in [("standard", "none"), ("bookings", "bookings")] {
        let module = broken(&dir, &[name]);
        let (code, report) = json(&dir, module.to_str().unwrap(), &["--contract", contract, "--seed", "7"]);
        assert_eq!((code, ids(&report, "failed").len()), (Some(0), 0), "{report}");
        passed.extend(ids(&report, "passed"));
    }
    let faults = FAULTS.iter().chain(OF_BOOKINGS);
    let found: BTreeSet<_> = faults.flat_map(|(_, _, ids)| ids.iter().map(ToString::to_string)).collect();
    assert_eq!(passed, found, "a check that nothing fails finds nothing");
}

#[test]
fn a_module_that_refuses_everything_has_not_passed() {
    let dir = TempDir::new().unwrap();
    let module = broken(&dir, &["refuse-all"]);
    let (code, report) = json(&dir, module.to_str().unwrap(), &[]);
    assert_eq!((code, report["passed"].as_bool(), report["untried"].as_bool()), (Some(1), Some(false), Some(true)));
    assert_eq!(ids(&report, "failed"), ["routes-answer".to_owned()].into(), "{report}");
    let race = test(&dir, module.to_str().unwrap(), &["--only", "no-oversell"]);
    let told = String::from_utf8(race.stdout).unwrap();
    assert_eq!(race.status.code(), Some(1), "{told}");
    assert!(told.contains("Nothing was tried: no request was found that the module answers with success"), "{told}");
}

#[test]
fn what_is_right_though_it_is_denied_is_a_warning() {
    let dir = TempDir::new().unwrap();
    let module = broken(&dir, &["peeks"]);
    let (code, report) = json(&dir, module.to_str().unwrap(), &["--only", "roles-hold"]);
    let warnings = report["checks"][0]["warnings"].as_array().unwrap();
    assert_eq!(code, Some(0), "{report}");
    assert!(warnings.iter().any(|warning| warning.as_str().unwrap().contains("tickets.list was denied")), "{report}");
}

#[test]
fn the_modules_here_keep_what_they_claim() {
    let dir = TempDir::new().unwrap();
    let modules = [(harness::bookings_rules(), "bookings"), (harness::early_access_rules(), "standard")];
    for (module, contract) in modules {
        let (code, report) = json(&dir, module.to_str().unwrap(), &["--contract", contract]);
        let whole = (ids(&report, "failed").len(), ids(&report, "skipped").len());
        assert_eq!((code, whole), (Some(0), (0, 0)), "{report}");
    }
}

#[test]
fn rules_of_another_api_break_every_promise_of_the_bookings_and_of_all_modules_none() {
    let dir = TempDir::new().unwrap();
    let (code, report) = json(&dir, STANDARD, &["--contract", "bookings"]);
    let failed = ids(&report, "failed");
    assert_eq!((code, failed.len(), ids(&report, "passed").len()), (Some(1), 8, 8), "{report}");
    assert!(failed.iter().all(|id| id.starts_with("book-")), "{failed:?}");
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
        "what a half of a character is, nobody knows",
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
    let (code, told) = json(&dir, STANDARD, &["--only", "std-confirm"]);
    assert_eq!((code, told["passed"].as_bool(), told["refusal"].as_str()), (Some(2), Some(false), Some("usage")));
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
fn ended_early_it_leaves_nothing_behind_either() {
    for signal in ending_signals() {
        assert_ends_at(signal);
    }
}

fn assert_ends_at(signal: Signal) {
    let dir = TempDir::new().unwrap();
    let mut command = program(dir.path());
    command.env("TMPDIR", dir.path()).args(["rules", "test", STANDARD, "--contract", "standard"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let has_host =
        || std::fs::read_dir(dir.path()).unwrap().any(|entry| entry.unwrap().path().join("events.db").exists());
    while !has_host() && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), signal).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_refused(&output, 1, &["ended before all was tried"]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "no folder is left");
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
