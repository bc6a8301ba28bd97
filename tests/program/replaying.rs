//! `serve --record` and `boxoffice rules replay`

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use harness::altered_rules;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{Running, assert_refused, run, until};

/// What every server here has: the code of modules kept, no limit of requests.
const COMMON: [&str; 6] = ["--record", "recordings", "--rate-limit", "off", "--cache-dir", "cache"];

fn serve(dir: &TempDir, more: &[&str]) -> Running {
    Running::start(dir, &[&COMMON, more].concat())
}

/// The server of the rules with planted differences.
fn altered(dir: &TempDir, more: &[&str]) -> Running {
    serve(dir, &[&["--rules", altered_rules().to_str().unwrap()], more].concat())
}

/// Ends it: by then all is written.
fn end(server: Running) -> String {
    server.signal(Signal::TERM);
    server.wait().2
}

fn event(server: &Running, name: &str) -> String {
    let (_, event) = server.json("POST", "/events", "organizer", &json!({"name": name, "capacity": 5}).to_string());
    event["id"].as_str().expect("an id").to_owned()
}

fn look(server: &Running, event: &str) -> String {
    server.json("GET", &format!("/events/{event}"), "", "").0.lines().next().unwrap().to_owned()
}

fn register(server: &Running, event: &str, email: &str) -> String {
    let body = json!({"email": email}).to_string();
    server.json("POST", &format!("/events/{event}/register"), "user", &body).0.lines().next().unwrap().to_owned()
}

/// The recordings, oldest first.
fn recordings(dir: &TempDir) -> Vec<PathBuf> {
    let folder = fs::read_dir(dir.path().join("recordings")).unwrap();
    let mut found: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// What `rules replay --json` says, and its exit code.
fn replay(dir: &TempDir, file: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let arguments = ["rules", "replay", "--json", "--cache-dir", "cache", file.to_str().unwrap()];
    let output = run(dir.path(), &[&arguments, more].concat());
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.lines().count(), 1, "{stdout} {}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), serde_json::from_str(&stdout).unwrap())
}

#[test]
fn failing_requests_are_recorded_and_replayed_to_the_byte_as_often_as_one_likes() {
    let dir = TempDir::new().unwrap();
    let server = altered(&dir, &[]);
    let cases = [("planted trap", "trap", 500), ("planted 500", "500", 500), ("planted spin", "cpu-budget", 504)];
    for (name, _, status) in cases {
        assert_eq!(look(&server, &event(&server, name)).split(' ').nth(1), Some(status.to_string().as_str()));
    }
    assert!(register(&server, &event(&server, "fine"), "planted-trap@example.org").contains(" 500 "));
    assert!(server.started.iter().any(|line| line["message"].as_str().unwrap().contains("personal data")));
    end(server);
    let found = recordings(&dir);
    assert_eq!(found.len(), 4, "what did not fail is not recorded: {found:?}");
    let altered = altered_rules().to_str().unwrap();
    let mut outcomes = Vec::new();
    for file in &found {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        let (code, told) = replay(&dir, file, &["--rules", altered]);
        assert_eq!((code, &told["identical"], &told["difference"]), (Some(0), &json!(true), &Value::Null), "{told}");
        assert_eq!(replay(&dir, file, &["--rules", altered]), (code, told.clone()), "the same again");
        assert_eq!((&told["recorded"]["why"], &told["now"]["host_calls"]), (&json!("failure"), &json!(1)));
        assert_eq!(told["recorded"]["module"]["digest"], told["now"]["module"]["digest"]);
        outcomes.push(told["now"]["outcome"].as_str().unwrap().to_owned());
    }
    outcomes.sort();
    assert_eq!(outcomes, ["500", "cpu-budget", "trap", "trap"]);
    assert_eq!(fs::metadata(dir.path().join("recordings")).unwrap().permissions().mode() & 0o777, 0o700);
    let output = run(dir.path(), &["rules", "replay", found[0].to_str().unwrap(), "--rules", altered]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("identical: GET /events/") && text.contains("altered 0.1.0"), "{text}");
}

#[test]
fn a_sample_is_recorded_too_and_another_module_shows_what_it_does_first() {
    let dir = TempDir::new().unwrap();
    let server = serve(&dir, &["--record-sample", "1"]);
    let planted = event(&server, "planted answer");
    let plain = event(&server, "an event");
    assert!(look(&server, &planted).contains(" 200 "));
    for email in ["planted-more@example.org", "planted-twice@example.org", "planted-never@example.org"] {
        assert!(register(&server, &plain, email).contains(" 201 "));
    }
    assert!(server.json("GET", "/nothing", "", "").0.contains(" 404 "), "the host's own answer: nothing ran");
    end(server);
    let found = recordings(&dir);
    assert_eq!(found.len(), 6, "{found:?}");
    let altered = altered_rules().to_str().unwrap();
    let mut differences = Vec::new();
    for file in &found {
        let (code, told) = replay(&dir, file, &[]);
        assert_eq!((code, &told["identical"]), (Some(0), &json!(true)), "the standard rules are built in: {told}");
        assert_eq!(told["recorded"]["why"], "sample");
        let (code, told) = replay(&dir, file, &["--rules", altered]);
        assert_eq!(code == Some(0), told["identical"] == true);
        if code != Some(0) {
            let difference = &told["difference"];
            differences.push((difference["at"].clone(), difference["number"].clone(), difference["what"].clone()));
        }
    }
    let call = "tickets.atomic-register";
    let expected = [
        (json!("host-call"), json!(1), json!(format!("{call} is asked for something else"))),
        (json!("host-call"), json!(1), json!(format!("{call} was called, and now the run is over"))),
        (json!("host-call"), json!(2), json!(format!("{call} is one more"))),
        (json!("outcome"), Value::Null, json!("body at /planted: nothing and true")),
    ];
    differences.sort_by_key(|(_, _, what)| what.to_string());
    let mut expected = expected.to_vec();
    expected.sort_by_key(|(_, _, what)| what.to_string());
    assert_eq!(differences, expected);
    let other = run(dir.path(), &["rules", "replay", found[5].to_str().unwrap(), "--rules", altered]);
    let text = String::from_utf8(other.stdout).unwrap();
    assert_eq!(other.status.code(), Some(1));
    for words in ["different: POST /events/", "\nhost-call 1: ", "\n  recorded  {", "\n  now       {"] {
        assert!(text.contains(words), "{words:?} is missing in {text}");
    }
    let unruly = harness::unruly_rules().to_str().unwrap();
    let (code, told) = replay(&dir, &found[0], &["--rules", unruly]);
    assert_eq!((code, &told["difference"]["at"]), (Some(1), &json!("route")), "{told}");
}

#[test]
fn a_recording_from_before_callers_were_known_reads_as_nobody_s_with_its_roles_and_replays() {
    let dir = TempDir::new().unwrap();
    let server = serve(&dir, &["--record-sample", "1"]);
    let event = event(&server, "an event");
    let body = json!({"email": "a@example.org"}).to_string();
    let (_, ticket) = server.json("POST", &format!("/events/{event}/register"), "user", &body);
    let ticket = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    look(&server, &event);
    for (method, path) in
        [("GET", ticket.clone()), ("POST", format!("{ticket}/confirm")), ("POST", format!("{ticket}/cancel"))]
    {
        assert!(server.json(method, &path, "user", "").0.contains(" 200 "), "{path}");
    }
    end(server);
    let found = recordings(&dir);
    assert_eq!(found.len(), 6, "{found:?}");
    for file in &found {
        let mut recorded = read(file);
        let caller = recorded["caller"].as_object_mut().unwrap();
        assert_eq!(caller.remove("unproved"), Some(json!({"may_search": false})), "it is of today");
        assert_eq!(caller["owner"], Value::Null);
        fs::write(file, recorded.to_string()).unwrap();
        let (code, told) = replay(&dir, file, &[]);
        assert_eq!((code, &told["identical"]), (Some(0), &json!(true)), "{told}");
    }
}

#[test]
fn the_recorded_module_is_found_by_its_digest() {
    let dir = TempDir::new().unwrap();
    let server = altered(&dir, &[]);
    look(&server, &event(&server, "planted trap"));
    end(server);
    let file = &recordings(&dir)[0];
    let (code, told) = replay(&dir, file, &[]);
    assert_eq!((code, &told["refusal"], &told["identical"]), (Some(1), &json!("no-module"), &Value::Null), "{told}");
    let module = dir.path().join(format!("{}.wasm", read(file)["module"]["digest"].as_str().unwrap()));
    fs::copy(altered_rules(), &module).unwrap();
    let folder = ["--modules-dir", dir.path().to_str().unwrap()];
    assert_eq!(replay(&dir, file, &folder).0, Some(0));
    fs::copy(harness::unruly_rules(), &module).unwrap();
    assert_eq!(replay(&dir, file, &folder).1["refusal"], "wrong-module");
    fs::remove_file(&module).unwrap();
    assert_eq!(replay(&dir, file, &folder).1["refusal"], "no-module");
    let digest12 = module.file_name().unwrap().to_str().unwrap()[..12].to_owned();
    assert!(file.to_str().unwrap().ends_with(&format!("-{digest12}.json")), "{file:?}");
}

#[test]
fn what_is_no_recording_is_refused_by_name() {
    let dir = TempDir::new().unwrap();
    let server = serve(&dir, &["--record-sample", "1"]);
    event(&server, "an event");
    end(server);
    let recorded = read(&recordings(&dir)[0]);
    let file = dir.path().join("bad.json");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = recorded.clone();
        change(&mut value);
        value.to_string()
    };
    let whole = recorded.to_string();
    let cases = [
        (whole[..whole.len() / 2].to_owned(), "not-a-recording"),
        ("text".to_owned(), "not-a-recording"),
        (String::new(), "not-a-recording"),
        ("{\"format\":\"1\"}".to_owned(), "not-a-recording"),
        ("[".repeat(100_000), "not-a-recording"),
        (changed(&|value| value["format"] = json!(2)), "newer-format"),
        (changed(&|value| value["format"] = json!(0)), "not-a-recording"),
        (changed(&|value| value["more"] = json!(1)), "not-a-recording"),
        (changed(&|value| value["calls"][0]["function"] = json!("events.delete")), "not-a-recording"),
        (changed(&|value| value["request"]["body"] = json!({"base64": "!"})), "not-a-recording"),
        (changed(&|value| value["limits"]["instances"] = json!(u32::MAX)), "impossible"),
        (changed(&|value| value["limits"]["memory"] = json!(u64::MAX)), "impossible"),
        (changed(&|value| value["limits"]["stack"] = json!(0)), "impossible"),
        (changed(&|value| value["caller"]["roles"] = json!(["king"])), "impossible"),
        (changed(&|value| value["request"]["now_ms"] = json!(u64::MAX)), "impossible"),
        (changed(&|value| value["module"]["digest"] = json!("../../etc/passwd")), "impossible"),
        (
            changed(&|value| value["outcome"] = json!({"answer": {"status": 7, "headers": [], "body": {"text": ""}}})),
            "impossible",
        ),
    ];
    for (text, refusal) in cases {
        fs::write(&file, &text).unwrap();
        let (code, told) = replay(&dir, &file, &[]);
        let start = &text[..text.len().min(80)];
        assert_eq!((code, told["refusal"].as_str()), (Some(1), Some(refusal)), "{told} for {start}");
        assert!(told["advice"].is_string() && told["message"].is_string());
    }
    fs::File::create(&file).unwrap().set_len(64 * 1024 * 1024 + 1).unwrap();
    assert_eq!(replay(&dir, &file, &[]).1["refusal"], "too-large");
    assert_eq!(replay(&dir, Path::new("missing.json"), &[]).1["refusal"], "unreadable");
    assert_refused(&run(dir.path(), &["rules", "replay", "missing.json"]), 1, &["missing.json: refused: unreadable"]);
    assert_refused(&run(dir.path(), &["rules", "replay"]), 2, &["FILE"]);
    // Sound by its form, and not what happened: that is a difference.
    fs::write(&file, changed(&|value| value["calls"][0]["said"]["answer"]["capacity"] = json!(77))).unwrap();
    let (code, told) = replay(&dir, &file, &[]);
    assert_eq!((code, &told["difference"]["what"]), (Some(1), &json!("body at /capacity: 5 and 77")), "{told}");
    fs::write(&file, changed(&|value| value["log"] = json!([{"level": "info", "message": "m", "fields": ""}])))
        .unwrap();
    let (_, told) = replay(&dir, &file, &[]);
    assert_eq!((&told["difference"]["at"], &told["difference"]["now"]), (&json!("log"), &Value::Null), "{told}");
    fs::write(&file, changed(&|value| value["output"] = json!("words"))).unwrap();
    assert_eq!(replay(&dir, &file, &[]).1["difference"]["at"], "output");
}

#[test]
fn recordings_are_bounded_and_the_oldest_go_first() {
    let dir = TempDir::new().unwrap();
    let server = serve(&dir, &["--record-sample", "1", "--record-files", "3"]);
    let foreign = dir.path().join("recordings/notes.json");
    fs::write(&foreign, "mine").unwrap();
    fs::write(dir.path().join("recordings/notes.tmp"), "mine").unwrap();
    for n in 0..6 {
        event(&server, &format!("event {n}"));
    }
    end(server);
    let found: Vec<_> = recordings(&dir).into_iter().filter(|path| read_name(path)).collect();
    let names: Vec<_> = found.iter().map(|path| read(path)["request"]["body"]["text"].to_string()).collect();
    assert_eq!(names.len(), 3, "{found:?}");
    for (name, n) in names.iter().zip(3..) {
        assert!(name.contains(&format!("event {n}")), "{names:?}");
    }
    assert_eq!(fs::read_to_string(foreign).unwrap(), "mine", "what is not a recording is left alone");
    assert!(dir.path().join("recordings/notes.tmp").exists());

    let dir = TempDir::new().unwrap();
    let server = serve(&dir, &["--record-sample", "1", "--record-bytes", "64KiB"]);
    let attributes = json!({"text": "x".repeat(8_000)});
    let body = json!({"name": "large", "capacity": 1, "attributes": attributes}).to_string();
    for _ in 0..10 {
        assert!(server.json("POST", "/events", "organizer", &body).0.contains(" 201 "));
    }
    end(server);
    let sizes: Vec<_> = recordings(&dir).iter().map(|path| fs::metadata(path).unwrap().len()).collect();
    assert!((1..=2).contains(&sizes.len()) && sizes.iter().sum::<u64>() <= 64 * 1024, "{sizes:?}");
}

/// Whether the name is a recording's.
fn read_name(path: &Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with(|c: char| c.is_ascii_digit())
}

#[test]
fn a_folder_that_is_not_private_is_refused_at_the_start() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("recordings");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log", "off"];
    let arguments = [&serve[..], &COMMON].concat();
    assert_refused(&run(dir.path(), &arguments), 1, &["--record recordings", "750", "chmod 700"]);
    fs::remove_dir(&folder).unwrap();
    fs::create_dir(dir.path().join("elsewhere")).unwrap();
    symlink(dir.path().join("elsewhere"), &folder).unwrap();
    assert_refused(&run(dir.path(), &arguments), 1, &["--record recordings", "symbolic link"]);
    assert!(!dir.path().join("events.db").exists(), "nothing was made");
    fs::remove_file(&folder).unwrap();
    let nowhere = [&arguments[..], &["--db", "nowhere/events.db"]].concat();
    assert_refused(&run(dir.path(), &nowhere), 1, &["nowhere", "does not exist"]);
    assert!(!folder.exists(), "there is no database to record the requests of");
}

#[test]
fn what_was_of_the_machine_is_not_compared() {
    let dir = TempDir::new().unwrap();
    let server = serve(&dir, &["--record-sample", "1"]);
    event(&server, "an event");
    end(server);
    let file = recordings(&dir).remove(0);
    let mut recorded = read(&file);
    // A machine that is as much slower as these are less.
    (recorded["limits"]["cpu_us"], recorded["limits"]["timeout_us"]) = (json!(1000), json!(1000));
    fs::write(&file, recorded.to_string()).unwrap();
    let (code, told) = replay(&dir, &file, &[]);
    assert_eq!((code, &told["identical"], &told["notes"]), (Some(0), &json!(true), &json!([])), "{told}");
    recorded["outcome"] = json!({"failure": {"cause": "memory-limit", "message": "taken", "functions": []}});
    fs::write(&file, recorded.to_string()).unwrap();
    let (code, told) = replay(&dir, &file, &[]);
    assert_eq!((code, &told["difference"]["what"]), (Some(1), &json!("memory-limit, and now 201")), "{told}");
    recorded["crowded_out"] = json!(true);
    fs::write(&file, recorded.to_string()).unwrap();
    let (code, told) = replay(&dir, &file, &[]);
    assert_eq!((code, &told["identical"]), (Some(0), &json!(true)), "{told}");
    assert!(told["notes"][0].as_str().unwrap().contains("memory that others had taken"), "{told}");
    recorded["limits"]["stack"] = json!(1_u64 << 40);
    fs::write(&file, recorded.to_string()).unwrap();
    let (code, told) = replay(&dir, &file, &[]);
    assert_eq!((code, &told["refusal"]), (Some(1), &json!("impossible")), "{told}");
    assert!(told["message"].as_str().unwrap().contains("the limit stack is"), "{told}");
}

#[test]
fn what_cannot_be_written_costs_a_warning_and_no_request() {
    let dir = TempDir::new().unwrap();
    let server = serve(&dir, &["--record-sample", "1"]);
    event(&server, "an event");
    until("it is recorded", || !recordings(&dir).is_empty());
    fs::remove_dir_all(dir.path().join("recordings")).unwrap();
    fs::write(dir.path().join("recordings"), "a file in its place").unwrap();
    for _ in 0..3 {
        event(&server, "another");
    }
    let log = end(server);
    let warnings = log.lines().filter(|line| line.contains("a request was not recorded")).count();
    assert_eq!(warnings, 1, "once, and not each time: {log}");
}

#[test]
fn nothing_is_recorded_unless_somebody_asks() {
    let dir = TempDir::new().unwrap();
    let server = Running::start(&dir, &["--rules", altered_rules().to_str().unwrap(), "--record-sample", "1"]);
    look(&server, &event(&server, "planted trap"));
    end(server);
    let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["events.db", "events.db.cache"]);
}
