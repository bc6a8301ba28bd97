//! What survives: a kill at any moment, a full disk, a folder that somebody has changed.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use harness::attack::from_text;
use harness::under_another_digest;
use rustix::process::{Resource, Rlimit, Signal, prlimit};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::operating::{TOKEN, prepared, start};
use crate::running::{Operator, Running, assert_refused, run};

const SERVE: [&str; 7] =
    ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--admin-token-file", "token"];
const DEPLOYMENT: &str = "events.db.modules/deployment.json";

/// A component that compiles in no time; each name is another digest.
fn small(name: &str) -> Vec<u8> {
    under_another_digest(&from_text("memory-edges"), name)
}

fn digest_of(answer: &(u16, Value)) -> String {
    assert!(matches!(answer.0, 200 | 201), "{}", answer.1);
    answer.1["digest"].as_str().unwrap().to_owned()
}

fn active(server: &Running) -> String {
    server.operator(TOKEN).list().unwrap()["active"].as_str().unwrap().to_owned()
}

/// What happened, the last step first: event and module.
type History = Vec<(String, String)>;

fn history(list: &Value) -> History {
    let step = |step: &Value| (step["event"].as_str().unwrap().to_owned(), step["id"].as_str().unwrap().to_owned());
    list["history"].as_array().unwrap().iter().map(step).collect()
}

/// One operator's work, as far as it was acknowledged; and the step that was not, if it was being done.
#[derive(Default)]
struct Work {
    done: History,
    doing: Option<(String, String)>,
}

impl Work {
    /// Does one step; gives whether it was acknowledged.
    fn step(&mut self, event: &str, module: &str, answer: impl FnOnce() -> Option<(u16, Value)>) -> bool {
        self.doing = Some((event.to_owned(), module.to_owned()));
        let Some((status, told)) = answer() else { return false };
        if told["code"] == "not_kept" {
            // Then nothing has changed.
            self.doing = None;
            return false;
        }
        assert!(matches!(status, 200 | 201), "{event}: {told}");
        self.done.insert(0, self.doing.take().unwrap());
        true
    }

    /// The `n`th step: uploads a module, activates it, makes the built-in rules its canary, rolls that back, goes back and deletes the
    /// module.
    fn nth(&mut self, n: usize, operator: &Operator, name: &str) -> bool {
        let digest = &digest(name);
        let post = |path: &str| operator.call("POST", path, "text/plain", b"");
        match n {
            0 => self.step("uploaded", digest, || operator.push(&small(name))),
            1 => self.step("activated", digest, || operator.activate(digest, &json!({"mode": "all"}))),
            2 => {
                let canary = json!({"mode": "canary", "percent": 5});
                self.step("canary", "standard", || operator.activate("standard", &canary))
            }
            3 => self.step("off", "standard", || post("/v1/rollback")),
            4 => self.step("rolled-back", "standard", || post("/v1/rollback")),
            _ => self.step("deleted", digest, || {
                operator.call("DELETE", &format!("/v1/modules/{digest}"), "text/plain", b"")
            }),
        }
    }

    /// All steps, as far as they are acknowledged.
    fn all(&mut self, operator: &Operator, name: &str) -> bool {
        (0..STEPS).all(|n| self.nth(n, operator, name))
    }
}

/// Steps of an operator's work.
const STEPS: usize = 6;

/// The state after a kill is that before the step that was being done, or that after it; and nothing else lies in the folder.
fn assert_whole(dir: &TempDir, work: &Work) -> History {
    let server = start(dir, &[]);
    let list = server.operator(TOKEN).list().unwrap();
    let found = history(&list);
    let mut after = work.done.clone();
    after.splice(0..0, work.doing.clone());
    // The host keeps the last 100.
    let of = |history: &History| history.iter().take(100).cloned().collect::<Vec<_>>();
    assert!(found == of(&work.done) || found == of(&after), "{:?}, and not {:?}", found.first(), after.first());
    let told = |event: &str| list["modules"].as_array().unwrap().iter().find(|module| module["state"] == event);
    match found.first().map(|(event, id)| (event.as_str(), id)) {
        Some(("activated", id)) => assert_eq!(told("active").unwrap()["id"], **id),
        Some(("canary", id)) => assert_eq!(told("canary").unwrap()["id"], **id),
        Some(("rolled-back" | "deleted", _)) => assert_eq!(told("active").unwrap()["id"], "standard"),
        Some(("uploaded", id)) => assert!(list["modules"].as_array().unwrap().iter().any(|m| m["id"] == **id)),
        _ => {}
    }
    assert!(told("active").is_some(), "{list}");
    let named =
        list["modules"].as_array().unwrap().iter().skip(1).map(|m| format!("{}.wasm", m["id"].as_str().unwrap()));
    let mut named: BTreeSet<_> = named.collect();
    let folder = dir.path().join("events.db.modules");
    named.extend(folder.join("deployment.json").exists().then(|| "deployment.json".to_owned()));
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<_> = files.collect();
    assert_eq!(files, named);
    found
}

/// The digest that this name's module has.
fn digest(name: &str) -> String {
    boxoffice::wasm::Digest::of(&small(name)).to_string()
}

#[test]
fn a_kill_at_any_time_leaves_the_state_before_or_after_a_step() {
    let dir = prepared();
    // What is known of the time that the sequence takes: the first one is not disturbed.
    let mut known = History::new();
    let mut whole = Duration::ZERO;
    for round in 0..=100_u32 {
        let server = start(&dir, &[]);
        let (operator, name) = (server.operator(TOKEN), format!("round {round}"));
        let mut work = Work { done: known.clone(), doing: None };
        let watch = boxoffice::clock::Stopwatch::start();
        let (ended, waits) = mpsc::channel();
        let working = std::thread::spawn(move || {
            let finished = work.all(&operator, &name);
            // Nobody waits any more where it was killed.
            let _ = ended.send(());
            (work, finished)
        });
        let delay = if round == 0 { Duration::from_secs(30) } else { whole * round / 100 };
        let _ = waits.recv_timeout(delay);
        server.signal(Signal::KILL);
        let (work, finished) = working.join().unwrap();
        if round == 0 {
            assert!(finished, "the first is not disturbed");
            whole = watch.elapsed();
        }
        drop(server);
        known = assert_whole(&dir, &work);
        // A round begins with the built-in rules active and no canary.
        known = tidied(&dir, known);
    }
}

/// Brings the built-in rules back; gives the history.
fn tidied(dir: &TempDir, known: History) -> History {
    if known.first().is_none_or(|(event, _)| event == "deleted") {
        return known;
    }
    let server = start(dir, &[]);
    let operator = server.operator(TOKEN);
    operator.activate("standard", &json!({"mode": "all"})).unwrap();
    for module in operator.list().unwrap()["modules"].as_array().unwrap().iter().skip(1) {
        let path = format!("/v1/modules/{}", module["id"].as_str().unwrap());
        assert_eq!(operator.call("DELETE", &path, "text/plain", b"").unwrap().0, 200);
    }
    // So that what was active before does not serve again: rolling back goes to the built-in rules.
    let list = operator.list().unwrap();
    server.signal(Signal::TERM);
    assert!(server.wait().0.success());
    history(&list)
}

/// Does an operator's work to its `step`th step, while which this happens to the `at`th (`at+`: and each later one) of these calls of the system's; gives the work, and
/// whether that step was acknowledged.
fn disturbed(dir: &TempDir, step: usize, calls: &str, happens: &str, at: &str) -> (Work, bool) {
    let server = start(dir, &[]);
    let (mut work, operator) = (Work::default(), server.operator(TOKEN));
    assert!((0..step).all(|n| work.nth(n, &operator, "disturbed")));
    let pid = server.pid().as_raw_nonzero().to_string();
    let (trace, inject) = (format!("trace={calls}"), format!("inject={calls}:{happens}:when={at}"));
    let mut tracer = Command::new("strace");
    tracer.args(["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject, "-p", &pid]);
    let mut tracer = tracer.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let threads = || {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok()).collect::<Vec<_>>()
    };
    let is_traced = |status: &String| !status.lines().any(|line| line == "TracerPid:\t0");
    crate::running::until("it is traced", || threads().iter().all(is_traced));
    let acknowledged = work.nth(step, &operator, "disturbed");
    if let Some(list) = operator.list() {
        assert_eq!(history(&list), work.done, "what is refused has not happened");
    }
    drop(server);
    tracer.wait().unwrap();
    (work, acknowledged)
}

/// Each call that keeping makes is a point at which the machine can stop, or the disk fail. Only where there is a tracer that can do it;
/// elsewhere the test above has to do.
#[test]
fn a_kill_or_a_fault_at_each_call_of_the_disk_leaves_the_state_before_or_after_a_step() {
    if Command::new("strace").arg("-V").output().is_err() {
        return;
    }
    let points = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for happens in ["signal=KILL", "error=ENOSPC"] {
            for calls in ["fsync", "renameat,renameat2", "unlinkat"] {
                let points = &points;
                scope.spawn(move || {
                    for step in 0..STEPS {
                        for at in 1.. {
                            let dir = prepared();
                            let (work, acknowledged) = disturbed(&dir, step, calls, happens, &at.to_string());
                            assert_whole(&dir, &work);
                            // There are no more such calls; or a removal has failed, which is nobody's trouble.
                            if acknowledged {
                                break;
                            }
                            points.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        }
    });
    // An upload syncs and renames two files and their folder, each other step one; and a module that is deleted is removed.
    let points = points.into_inner();
    assert!(points > 2 * (4 + 2 + 5 * 3), "only {points} points were disturbed");
}

#[test]
fn a_full_disk_refuses_changes_and_serves_on() {
    let dir = prepared();
    let flags = ["--admin-token-file", "token", "--rate-limit", "off"];
    let server = Running::start_after(&dir, "trap '' XFSZ", &flags);
    let operator = server.operator(TOKEN);
    let first = digest_of(&operator.push(&fs::read(dir.path().join("one.wasm")).unwrap()).unwrap());
    operator.activate(&first, &json!({"mode": "all"})).unwrap();
    let before = (operator.list().unwrap(), fs::read(dir.path().join(DEPLOYMENT)).unwrap());
    let files = || fs::read_dir(dir.path().join("events.db.modules")).unwrap().count();
    // Files can have no more than this.
    let room = |bytes: Option<u64>| {
        prlimit(Some(server.pid()), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    };
    let is_refused = |answer: Option<(u16, Value)>| {
        let (status, told) = answer.unwrap();
        assert_eq!((status, &told["code"]), (507, &json!("not_kept")), "{told}");
        assert!(told["detail"].as_str().unwrap().contains("events.db.modules"), "{told}");
        assert_eq!((operator.list().unwrap(), fs::read(dir.path().join(DEPLOYMENT)).unwrap()), before);
        assert_eq!(files(), 2, "nothing half written is left");
        assert!(server.json("GET", "/events", "", "").0.starts_with("HTTP/1.1 200"), "it serves on");
        assert_eq!(active(&server), first);
    };
    // Enough for the memories of runs, which are files, too; not for a module of 4 MiB.
    room(Some(2 * 1024 * 1024));
    let section = [&[0, 0x80, 0x80, 0x80, 2, 3][..], b"pad", &vec![0; 4 * 1024 * 1024 - 4]].concat();
    let large = [small("large"), section].concat();
    is_refused(operator.push(&large));
    // Not even enough for the deployment.
    for bytes in [0, 64] {
        room(Some(bytes));
        is_refused(operator.activate("standard", &json!({"mode": "all"})));
        is_refused(operator.activate("standard", &json!({"mode": "canary", "percent": 5})));
        is_refused(operator.call("POST", "/v1/rollback", "text/plain", b""));
    }
    room(None);
    assert_eq!(operator.activate("standard", &json!({"mode": "all"})).unwrap().0, 200);
    digest_of(&operator.push(&large).unwrap());
}

/// A folder in which this module is active, and the host has ended.
fn with_active(name: &str) -> (TempDir, String) {
    let dir = prepared();
    let server = start(&dir, &[]);
    let operator = server.operator(TOKEN);
    let digest = digest_of(&operator.push(&small(name)).unwrap());
    operator.activate(&digest, &json!({"mode": "all"})).unwrap();
    server.signal(Signal::TERM);
    assert!(server.wait().0.success());
    (dir, digest)
}

#[test]
fn an_active_module_that_is_gone_or_changed_stops_the_start_and_says_the_ways_out() {
    let (dir, digest) = with_active("one");
    let file = dir.path().join(format!("events.db.modules/{digest}.wasm"));
    let ways_out = [&digest[..12], "--rules FILE", "deployment.json", &digest];
    let bytes = fs::read(&file).unwrap();
    let deployment = fs::read(dir.path().join(DEPLOYMENT)).unwrap();
    fs::remove_file(&file).unwrap();
    assert_refused(&run(dir.path(), &SERVE), 1, &[&ways_out[..], &["is gone"]].concat());
    fs::write(&file, &bytes[1..]).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert_refused(&run(dir.path(), &SERVE), 1, &[&ways_out[..], &["not what was uploaded"]].concat());
    fs::write(&file, &bytes).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    assert_refused(&run(dir.path(), &SERVE), 1, &[&ways_out[..], &["others may read"]].concat());
    assert_eq!(fs::read(dir.path().join(DEPLOYMENT)).unwrap(), deployment);
    // The ways out: other rules; the built-in ones; the file as it was.
    let other = start(&dir, &["--rules", "one.wasm"]);
    assert_eq!(other.operator(TOKEN).list().unwrap()["pinned"], "one.wasm");
    drop(other);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(active(&start(&dir, &[])), digest);
    fs::rename(dir.path().join(DEPLOYMENT), dir.path().join("moved.json")).unwrap();
    let server = start(&dir, &[]);
    assert_eq!(server.operator(TOKEN).list().unwrap()["modules"].as_array().unwrap().len(), 1);
    assert!(file.exists(), "modules without a deployment may be somebody's only copies");
    // Nor does it go later, beside another deployment; and with its own it serves again.
    let two = digest_of(&server.operator(TOKEN).push(&small("two")).unwrap());
    drop(server);
    assert_ne!(active(&start(&dir, &[])), digest);
    assert!(file.exists(), "not beside another deployment either");
    fs::rename(dir.path().join("moved.json"), dir.path().join(DEPLOYMENT)).unwrap();
    assert_eq!(active(&start(&dir, &[])), digest);
    assert!(dir.path().join(format!("events.db.modules/{two}.wasm")).exists());
}

#[test]
fn an_upload_that_was_not_acknowledged_and_a_deleted_module_leave_nothing() {
    let (dir, one) = with_active("one");
    let folder = dir.path().join("events.db.modules");
    let server = start(&dir, &[]);
    let operator = server.operator(TOKEN);
    let two = digest_of(&operator.push(&small("two")).unwrap());
    assert_eq!(operator.call("DELETE", &format!("/v1/modules/{two}"), "text/plain", b"").unwrap().0, 200);
    drop(server);
    let three = digest("three");
    let left = [format!("{two}.wasm"), format!("{three}.wasm"), format!("{three}.sig"), format!("{three}.new")];
    for file in left.iter().chain([&format!("{one}.new")]) {
        fs::write(folder.join(file), "left").unwrap();
    }
    assert_eq!(active(&start(&dir, &[])), one);
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), BTreeSet::from([format!("{one}.wasm"), "deployment.json".to_owned()]));
}

/// A disk that takes nothing from some call on: what was begun cannot be undone either.
#[test]
fn a_disk_that_fails_from_some_call_on_leaves_a_deployment_whose_modules_are_there() {
    if Command::new("strace").arg("-V").output().is_err() {
        return;
    }
    for (calls, most) in [("fsync", 8), ("renameat,renameat2", 5)] {
        for at in 1..most {
            let dir = prepared();
            disturbed(&dir, 0, calls, "error=EIO", &format!("{at}+"));
            let server = start(&dir, &[]);
            let list = server.operator(TOKEN).list().unwrap();
            for module in list["modules"].as_array().unwrap().iter().skip(1) {
                let digest = module["id"].as_str().unwrap();
                let file = dir.path().join(format!("events.db.modules/{digest}.wasm"));
                assert!(file.exists(), "{calls} {at}: {list}");
            }
        }
    }
}

#[test]
fn a_canary_or_shadow_that_is_gone_is_taken_off_and_told() {
    let (dir, active_one) = with_active("one");
    let server = start(&dir, &[]);
    let operator = server.operator(TOKEN);
    let canary = digest_of(&operator.push(&small("canary")).unwrap());
    let shadow = digest_of(&operator.push(&small("shadow")).unwrap());
    operator.activate(&canary, &json!({"mode": "canary", "percent": 50})).unwrap();
    operator.activate(&shadow, &json!({"mode": "shadow"})).unwrap();
    drop(server);
    for digest in [&canary, &shadow] {
        fs::remove_file(dir.path().join(format!("events.db.modules/{digest}.wasm"))).unwrap();
    }
    let server = start(&dir, &[]);
    let told = server.started.iter().filter(|line| line["level"] == "ERROR" && line["role"].is_string()).count();
    assert_eq!(told, 2, "{:?}", server.started);
    let list = server.operator(TOKEN).list().unwrap();
    assert_eq!((&list["active"], &list["canary"]), (&json!(active_one), &Value::Null));
    let off = [("not-loaded".to_owned(), shadow.clone()), ("not-loaded".to_owned(), canary.clone())];
    assert_eq!(history(&list)[..2], off);
    drop(server);
    let again = start(&dir, &[]);
    assert_eq!(history(&again.operator(TOKEN).list().unwrap())[..2], off, "once, and it is kept");
}

#[test]
fn a_deployment_that_cannot_be_read_stops_the_start_and_is_left_alone() {
    let (dir, digest) = with_active("one");
    let path = dir.path().join(DEPLOYMENT);
    let sound = fs::read_to_string(&path).unwrap();
    let other = "0".repeat(64);
    let cases = [
        (sound[..sound.len() / 2].to_owned(), "damaged"),
        (String::new(), "damaged"),
        ("dear diary".to_owned(), "damaged"),
        ("{}".to_owned(), "damaged"),
        (sound.replace("\"format\": 1", "\"format\": 2"), "newer program"),
        (sound.replace("\"before\"", "\"behind\""), "damaged"),
        (sound.replacen(&digest, &other, 1), "damaged"),
        ("x".repeat(5 * 1024 * 1024), "bytes, more than"),
    ];
    for (text, says) in cases {
        fs::write(&path, &text).unwrap();
        assert_refused(&run(dir.path(), &SERVE), 1, &["deployment.json", says, "move it away", "--rules FILE"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is left alone");
    }
    // Pinned rules need none, and leave it alone, too.
    let server = start(&dir, &["--rules", "one.wasm"]);
    let warned = server
        .started
        .iter()
        .any(|line| line["level"] == "WARN" && line["message"].to_string().contains("cannot be uploaded"));
    assert!(warned, "{:?}", server.started);
    let (status, told) = server.operator(TOKEN).push(&small("two")).unwrap();
    assert_eq!((status, &told["code"]), (507, &json!("not_kept")));
    drop(server);
    fs::write(&path, &sound).unwrap();
    assert_eq!(active(&start(&dir, &[])), digest);
}

#[test]
fn pinned_rules_leave_the_deployment_as_it_is() {
    let (dir, digest) = with_active("one");
    let deployment = fs::read(dir.path().join(DEPLOYMENT)).unwrap();
    let server = start(&dir, &["--rules", "two.wasm"]);
    assert_ne!(active(&server), digest);
    let (status, told) = server.operator(TOKEN).activate("standard", &json!({"mode": "all"})).unwrap();
    assert_eq!((status, &told["code"]), (409, &json!("pinned")));
    server.signal(Signal::TERM);
    assert!(server.wait().0.success());
    assert_eq!(fs::read(dir.path().join(DEPLOYMENT)).unwrap(), deployment);
    assert_eq!(active(&start(&dir, &[])), digest);
}

#[test]
fn two_hosts_do_not_share_a_folder_of_modules() {
    let dir = prepared();
    let first = start(&dir, &["--modules-dir", "modules"]);
    let second = [&SERVE[..], &["--db", "other.db", "--modules-dir", "modules"]].concat();
    assert_refused(&run(dir.path(), &second), 1, &["--modules-dir modules", "another host"]);
    digest_of(&first.operator(TOKEN).push(&small("one")).unwrap());
    first.signal(Signal::KILL);
    drop(first);
    let server = start(&dir, &["--db", "other.db", "--modules-dir", "modules"]);
    assert_eq!(server.operator(TOKEN).list().unwrap()["modules"].as_array().unwrap().len(), 2);
}

#[test]
fn a_folder_of_modules_is_private_and_goes_away_where_nothing_was_kept() {
    let dir = prepared();
    let folder = dir.path().join("events.db.modules");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let server = start(&dir, &[]);
    assert_eq!(mode(&folder), 0o700);
    let digest = digest_of(&server.operator(TOKEN).push(&small("one")).unwrap());
    for file in [format!("{digest}.wasm"), "deployment.json".to_owned()] {
        assert_eq!(mode(&folder.join(file)), 0o600);
    }
    drop(server);
    for bits in [0o755, 0o710, 0o777] {
        fs::set_permissions(&folder, Permissions::from_mode(bits)).unwrap();
        assert_refused(&run(dir.path(), &SERVE), 1, &["events.db.modules", "chmod 700"]);
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    fs::rename(&folder, dir.path().join("real")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("real"), &folder).unwrap();
    assert_refused(&run(dir.path(), &SERVE), 1, &["events.db.modules", "symbolic link"]);
    fs::remove_file(&folder).unwrap();

    let server = start(&dir, &[]);
    server.signal(Signal::TERM);
    assert!(server.wait().0.success());
    assert!(!folder.exists(), "it is not left behind");
    assert_refused(
        &run(dir.path(), &[&SERVE[..], &["--modules-dir", "no/where"]].concat()),
        1,
        &["--modules-dir no/where"],
    );
}
