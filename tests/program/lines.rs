//! Files and lines of traps: for authors, and never where strangers' modules are served.

use std::fs;
use std::path::Path;

use boxoffice::wasm::is_own_file;
use harness::{unruly_rules, unruly_rules_with_lines};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::developing::{TRAP, line_of};
use crate::running::{Running, run};

/// Serves the unruly module, lets it trap after a host call, and gives what the log says of that and the recording.
fn served(dir: &TempDir) -> (Value, String) {
    let module = unruly_rules_with_lines().to_str().unwrap();
    let more = ["--rules", module, "--record", "recordings", "--rate-limit", "off", "--cache-dir", "cache"];
    let server = Running::start(dir, &more);
    assert!(server.json("GET", "/trap", "", "").0.starts_with("HTTP/1.1 500"));
    server.signal(Signal::TERM);
    let (_, lines, _) = server.wait();
    let failed = lines.into_iter().find(|line| line["cause"] == "trap").expect("it is in the log");
    let file = fs::read_dir(dir.path().join("recordings")).unwrap().next().expect("it is recorded").unwrap().path();
    (failed, file.to_str().unwrap().to_owned())
}

fn replayed(dir: &TempDir, file: &str, module: &str) -> Value {
    let arguments = ["rules", "replay", file, "--rules", module, "--json", "--cache-dir", "cache"];
    serde_json::from_slice(&run(dir.path(), &arguments).stdout).unwrap()
}

#[test]
fn a_replay_tells_the_line_of_a_trap_and_serve_reads_no_debug_information() {
    let dir = TempDir::new().unwrap();
    let (failed, file) = served(&dir);
    let functions = failed["functions"].as_str().unwrap();
    assert!(functions.contains("panicking") && !functions.contains(".rs"), "{functions}");
    assert!(!failed["message"].as_str().unwrap().contains("lib.rs:"), "{failed}");

    // In the same cache: what serves has other native code than what tells lines.
    let cached = || fs::read_dir(dir.path().join("cache")).unwrap().count();
    assert_eq!(cached(), 1);
    let told = replayed(&dir, &file, unruly_rules_with_lines().to_str().unwrap());
    assert_eq!(cached(), 2, "code without lines is not used where they are told, nor the other way round");
    assert_eq!(told["identical"], true, "lines are beside what is compared: {told}");
    let own = told["now"]["places"].as_array().unwrap().iter().find(|place| place["own"] == true).expect("one is");
    assert!(own["file"].as_str().unwrap().ends_with("tests/guests/unruly/src/lib.rs"), "{own}");
    assert_eq!(own["line"], line_of("lib.rs", TRAP));
    let people = run(dir.path(), &["rules", "replay", &file, "--rules", unruly_rules_with_lines().to_str().unwrap()]);
    let people = String::from_utf8(people.stdout).unwrap();
    assert!(people.contains(&format!("unruly/src/lib.rs:{})", line_of("lib.rs", TRAP))), "{people}");

    // A build without them has functions alone.
    let told = replayed(&dir, &file, unruly_rules().to_str().unwrap());
    assert_eq!(told["now"]["places"], json!([]));
}

#[test]
fn how_long_a_call_took_is_in_no_recording() {
    let dir = TempDir::new().unwrap();
    let more = ["--record", "recordings", "--record-sample", "1", "--rate-limit", "off"];
    let server = Running::start(&dir, &more);
    assert!(server.json("GET", "/events", "", "").0.starts_with("HTTP/1.1 200"));
    server.signal(Signal::TERM);
    server.wait();
    let file = fs::read_dir(dir.path().join("recordings")).unwrap().next().unwrap().unwrap().path();
    let recorded: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let call = recorded["calls"][0].as_object().unwrap();
    assert_eq!(call.keys().collect::<Vec<_>>(), ["asked", "function", "said"]);
}

#[test]
fn an_author_can_work_in_a_folder_of_any_name_and_copies_of_libraries_are_not_their_own() {
    let base = Path::new("/home/ada/vendor/guest/sdk/my-rules");
    let own = |path: &str| is_own_file(path, base);
    assert!(own("/home/ada/vendor/guest/sdk/my-rules/src/lib.rs") && own("src/lib.rs"));
    for copied in ["vendor/boxoffice-sdk/src/rules.rs", "crates/vendor/csv/src/lib.rs"] {
        assert!(!own(&format!("/home/ada/vendor/guest/sdk/my-rules/{copied}")) && !own(copied), "{copied}");
    }
    // Elsewhere there is nothing to tell a folder's name from a copy.
    let elsewhere =
        ["/home/ada/.cargo/registry/src/index/csv-1.4.0/src/lib.rs", "/rustc/abc/library/core/src/panicking.rs"];
    assert!(elsewhere.iter().all(|path| !own(path)) && !own("/home/ada/vendor/csv/src/lib.rs"));
    assert!(own("/home/ada/other-rules/src/lib.rs"));
}
