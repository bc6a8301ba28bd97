//! `boxoffice serve --rules FILE --watch`

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::checking::STANDARD;
use crate::running::{Running, assert_refused, run};

const SWAPPED: &str = "rules swapped";

/// Lines that say why something is not served.
fn refusals(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter_map(|line| line["refusal"].as_str()).collect()
}

#[test]
fn every_save_is_served_or_told_once_and_the_server_never_stops() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("rules.wasm");
    let unruly = fs::read(harness::unruly_rules()).unwrap();
    fs::copy(STANDARD, &path).unwrap();
    let mut server = Running::start(&dir, &["--rules", "rules.wasm", "--watch"]);

    fs::write(&path, &unruly).unwrap();
    let swapped = server.log_until(SWAPPED);
    assert_eq!((&swapped.last().unwrap()["name"], refusals(&swapped)), (&"unruly".into(), vec![]));
    assert_eq!(swapped.last().unwrap()["before"], server.rules_loaded()["module"]);
    assert!(server.json("GET", "/fine", "", "").0.starts_with("HTTP/1.1 200"));

    fs::copy(STANDARD, dir.path().join("rules.new")).unwrap();
    fs::rename(dir.path().join("rules.new"), &path).unwrap();
    assert_eq!(server.log_until(SWAPPED).last().unwrap()["name"], "standard");

    fs::write(&path, "nonsense").unwrap();
    let refused = server.log_until("goes on serving");
    let line = refused.last().unwrap();
    assert_eq!((refusals(&refused), line["level"].as_str()), (vec!["not-a-component"], Some("ERROR")));
    assert!(line["message"].as_str().unwrap().contains("--rules rules.wasm") && line["advice"].is_string(), "{line}");
    assert!(server.json("GET", "/events", "", "").0.starts_with("HTTP/1.1 200"));

    // Half of it, which stands still; then the rest. What was told is not told again.
    fs::write(&path, &unruly[..unruly.len() / 2]).unwrap();
    assert_eq!(refusals(&server.log_until("goes on serving")), ["not-a-component"]);
    fs::remove_file(&path).unwrap();
    fs::write(&path, &unruly).unwrap();
    let swapped = server.log_until(SWAPPED);
    assert_eq!((&swapped.last().unwrap()["name"], refusals(&swapped)), (&"unruly".into(), vec![]));

    // The same again is no swap.
    fs::write(&path, &unruly).unwrap();
    let same = server.log_until("has what is served already");
    assert!(same.iter().all(|line| line["message"] != SWAPPED));
}

#[test]
fn watching_needs_a_file() {
    let dir = TempDir::new().unwrap();
    assert_refused(&run(dir.path(), &["serve", "--watch"]), 2, &["--watch", "--rules FILE"]);
    assert_refused(&run(dir.path(), &["serve", "--watch", "--rules", "-"]), 2, &["--watch", "--rules FILE"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
}
