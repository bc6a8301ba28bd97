//! `boxoffice rules dev FILE`

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use harness::{unruly_rules, unruly_rules_with_lines};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::checking::STANDARD;
use crate::running::{assert_refused, ending_signals, program, run};

/// The line of the unruly module that contains this, as its debug information counts.
pub(crate) fn line_of(file: &str, code: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/guests/unruly/src").join(file);
    let source = fs::read_to_string(path).unwrap();
    1 + source.lines().position(|line| line.contains(code)).expect("the module has that line")
}

/// What traps when `/trap` is asked for.
pub(crate) const TRAP: &str = r#"panic!("trapped as asked")"#;

/// A `rules dev` that runs, on a free port, with a temporary folder of its own.
struct Developing {
    child: Child,
    out: BufReader<ChildStdout>,
    dir: TempDir,
    address: String,
}

impl Developing {
    /// Starts it with `rules.wasm` in a new folder, which `module` is copied to.
    fn start(module: Option<&Path>, more: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("tmp")).unwrap();
        if let Some(module) = module {
            fs::copy(module, dir.path().join("rules.wasm")).unwrap();
        }
        let mut command = program(dir.path());
        command.args(["rules", "dev", "rules.wasm", "--listen", "127.0.0.1:0"]).args(more);
        let mut child = command.env("TMPDIR", dir.path().join("tmp")).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out, dir, address: String::new() }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.out.read_line(&mut line).unwrap() > 0, "it has ended");
        line.trim_end().to_owned()
    }

    /// The next thing that happens, of `--json`.
    fn event(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"))
    }

    /// The next one of this kind; those before are given too.
    fn until(&mut self, kind: &str) -> (Value, Vec<Value>) {
        let mut before = Vec::new();
        loop {
            let event = self.event();
            if event["event"] == kind {
                return (event, before);
            }
            before.push(event);
        }
    }

    /// Waits until it serves, with `--json`.
    fn serving(&mut self) -> Value {
        let (serving, _) = self.until("serving");
        self.address = serving["url"].as_str().unwrap().replace("http://", "");
        serving
    }

    /// Asks, and gives the status of the answer.
    fn ask(&self, method: &str, path: &str, role: &str, body: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: h\r\nx-role: {role}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer[9..12].parse().unwrap()
    }

    fn save(&self, module: &Path) {
        fs::copy(module, self.dir.path().join("rules.wasm")).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// How many folders it has made and not removed.
    fn folders(&self) -> usize {
        fs::read_dir(self.dir.path().join("tmp")).unwrap().count()
    }

    /// Ends it with Ctrl-C's signal: the exit code, what it still said, and whether it left anything behind.
    fn interrupt(self) -> (Option<i32>, String, usize) {
        self.signal(Signal::INT);
        self.ended()
    }

    /// The same for one that was told to end.
    fn ended(mut self) -> (Option<i32>, String, usize) {
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (code, rest, self.folders())
    }
}

impl Drop for Developing {
    fn drop(&mut self) {
        // If it has ended, that is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_request_is_shown_with_its_host_calls_and_what_came_of_them() {
    let mut server = Developing::start(Some(Path::new(STANDARD)), &["--json"]);
    let serving = server.serving();
    assert_eq!(serving["module"]["name"], "standard");
    let first = serving["try"].as_str().unwrap();
    assert!(first.contains("X-Role: organizer") && first.ends_with(&format!("http://{}/events", server.address)));

    assert_eq!(server.ask("POST", "/events", "organizer", r#"{"name":"Concert","capacity":5}"#), 201);
    let made = server.event();
    let of = |names: &[&str]| names.iter().map(|name| made[name].clone()).collect::<Vec<_>>();
    assert_eq!(
        of(&["event", "method", "path", "status"]),
        [json!("request"), "POST".into(), "/events".into(), 201.into()]
    );
    assert_eq!(of(&["role", "by_host", "code"]), [json!("organizer"), false.into(), Value::Null]);
    let call = &made["host_calls"][0];
    assert_eq!((&call["function"], &call["outcome"]), (&"events.create".into(), &"ok".into()), "{made}");
    // Written and synced: that takes some microseconds anywhere, and is a part of the whole.
    let took = call["took_us"].as_u64().unwrap();
    assert!(took > 0 && took <= made["took_us"].as_u64().unwrap() && made["cpu_us"].as_u64().unwrap() > 0, "{made}");

    assert_eq!(server.ask("GET", "/events/00000000-0000-0000-0000-000000000000", "", ""), 404);
    let missing = server.event();
    assert_eq!((&missing["code"], &missing["by_host"]), (&"event_not_found".into(), &false.into()));
    assert_eq!(missing["host_calls"][0]["refusal"], "event-not-found");

    // What the host says by itself is shown as well, with whose words they are.
    assert_eq!(server.ask("POST", "/events", "user", "{}"), 403);
    let forbidden = server.event();
    assert_eq!((&forbidden["code"], &forbidden["by_host"]), (&"forbidden".into(), &true.into()));
    assert_eq!((&forbidden["cpu_us"], &forbidden["host_calls"]), (&Value::Null, &json!([])));
    assert_eq!(server.ask("GET", "/openapi.json", "", ""), 200);
    assert_eq!(server.event()["path"], "/openapi.json");
    assert_eq!(server.interrupt(), (Some(0), String::new(), 0));
}

#[test]
fn a_denied_call_and_the_modules_own_words_are_shown() {
    let mut server = Developing::start(Some(unruly_rules()), &["--json", "--rules-output-bytes", "64"]);
    server.serving();
    server.ask("POST", "/create", "user", "{}");
    let denied = server.event();
    assert_eq!(denied["host_calls"][0]["outcome"], "denied", "{denied}");
    server.ask("GET", "/flood-log", "", "");
    let logged = server.event();
    assert!(!logged["log"].as_array().unwrap().is_empty(), "{logged}");
    assert!(logged["log"][0]["level"].is_string() && logged["log"][0]["message"].is_string());
    server.ask("GET", "/chatter", "", "");
    let chatter = server.event();
    assert_eq!((&chatter["status"], chatter["output"].as_str().unwrap().len()), (&200.into(), 64));
}

#[test]
fn a_trap_is_told_with_the_authors_function_file_and_line() {
    let mut server = Developing::start(Some(unruly_rules_with_lines()), &["--json"]);
    server.serving();
    assert_eq!(server.ask("GET", "/trap", "", ""), 500);
    let trapped = server.event();
    assert_eq!((&trapped["code"], &trapped["failure"]["cause"]), (&"rules_failed".into(), &"trap".into()));
    assert!(trapped["output"].as_str().unwrap().contains("trapped as asked"));
    let places = trapped["failure"]["places"].as_array().unwrap();
    let own = places.iter().find(|place| place["own"] == true).expect("one is the author's");
    assert!(own["file"].as_str().unwrap().ends_with("tests/guests/unruly/src/lib.rs"), "{own}");
    assert_eq!(own["line"], line_of("lib.rs", TRAP), "{own}");
    // One that was not inlined has its whole name.
    assert_eq!(server.ask("GET", "/recurse", "", ""), 500);
    let recursed = server.event();
    let places = recursed["failure"]["places"].as_array().unwrap();
    assert_eq!(places[0]["function"], "unruly_rules::attacks::recurse");
    let own = places.iter().find(|place| place["own"] == true).expect("one is the author's");
    assert!(own["file"].as_str().unwrap().ends_with("unruly/src/attacks.rs") && own["line"].is_u64(), "{own}");
}

#[test]
fn for_people_the_same_is_told_in_lines_without_colours_where_there_is_no_terminal() {
    let mut server = Developing::start(Some(unruly_rules_with_lines()), &[]);
    let mut greeting = Vec::new();
    while !greeting.last().is_some_and(|line: &String| line.starts_with("try:")) {
        greeting.push(server.line());
    }
    assert!(greeting[0].starts_with("unruly 0.1.0 ("), "{greeting:?}");
    assert!(greeting.iter().any(|line| line.contains("/admin-only") && line.contains("admin")), "{greeting:?}");
    let url = greeting.iter().find_map(|line| line.split("http://").nth(1)).unwrap();
    server.address = url.split(';').next().unwrap().to_owned();
    let first = greeting.last().unwrap().split("curl http://").nth(1).unwrap();
    assert_eq!(
        server.ask("GET", first.split_once('/').map(|(_, path)| format!("/{path}")).unwrap().as_str(), "", ""),
        200
    );
    server.ask("GET", "/look", "", "");
    server.ask("GET", "/trap", "", "");
    let mut shown = String::new();
    while !shown.contains("unruly/src/lib.rs:") || !shown.contains("      at ") {
        shown = shown + &server.line() + "\n";
    }
    let said = [
        "GET /look  200  nobody  ",
        "    events.get               refused: event-not-found  ",
        "GET /trap  500 rules_failed  nobody  ",
        "    output | trapped as asked",
        "    trap: wasm `unreachable` instruction executed",
        &format!("unruly/src/lib.rs:{})", line_of("lib.rs", TRAP)),
    ];
    for words in said {
        assert!(shown.contains(words), "{words:?} is missing in {shown}");
    }
    assert!(!shown.contains('\x1b') && !shown.contains("RUST_BACKTRACE"), "{shown}");
}

#[test]
fn without_debug_information_functions_are_told_and_how_to_have_lines() {
    let mut server = Developing::start(Some(unruly_rules()), &[]);
    let mut address = String::new();
    while address.is_empty() {
        let line = server.line();
        let url = line.strip_prefix("serving on http://").and_then(|rest| rest.split(';').next());
        address = url.unwrap_or_default().to_owned();
    }
    server.address = address;
    server.ask("GET", "/recurse", "", "");
    let mut shown = String::new();
    while !shown.contains("line-tables-only") {
        shown = shown + &server.line() + "\n";
    }
    assert!(shown.contains("in unruly_rules::attacks::recurse <"), "{shown}");
}

#[test]
fn it_waits_for_a_build_and_each_save_is_swapped_or_refused_with_advice() {
    let mut server = Developing::start(None, &["--json"]);
    assert_eq!(server.event()["event"], "waiting");
    fs::write(server.dir.path().join("rules.wasm"), "nonsense").unwrap();
    let (refused, _) = server.until("refused");
    assert_eq!((&refused["refusal"], &refused["serving"]), (&"not-a-component".into(), &Value::Null));
    assert!(refused["advice"].as_str().unwrap().contains("wasm32-wasip2"), "{refused}");

    server.save(Path::new(STANDARD));
    assert_eq!(server.serving()["module"]["name"], "standard");
    fs::write(server.dir.path().join("rules.wasm"), "nonsense again").unwrap();
    let (refused, _) = server.until("refused");
    assert_eq!(refused["serving"]["name"], "standard");
    assert_eq!(server.ask("GET", "/events", "", ""), 200);
    assert_eq!(server.event()["status"], 200);

    server.save(unruly_rules_with_lines());
    let (swapped, before) = server.until("swapped");
    assert_eq!((&swapped["module"]["name"], &swapped["before"]["name"]), (&"unruly".into(), &"standard".into()));
    let routes = |kind: &str| swapped["routes"][kind].as_array().unwrap().clone();
    assert!(routes("added").contains(&"GET /fine".into()) && routes("removed").contains(&"GET /events".into()));
    assert!(before.iter().all(|event| event["event"] == "checking"), "{before:?}");
    assert_eq!(server.ask("GET", "/fine", "", ""), 200);
    // A trap of what was saved is told with its lines, too.
    assert_eq!(server.ask("GET", "/trap", "", ""), 500);
    let (_, trapped) = (server.event(), server.event());
    let places = trapped["failure"]["places"].as_array().unwrap();
    let own = places.iter().find(|place| place["own"] == true).expect("one is the author's");
    assert_eq!(own["line"], line_of("lib.rs", TRAP), "{own}");
}

/// Asks for an event to be made, as far as its body, which the server waits for.
fn half_asked(server: &Developing, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let head = format!(
        "POST /events HTTP/1.1\r\nhost: h\r\nx-role: organizer\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut goes_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut goes_on).unwrap();
    assert!(goes_on.starts_with(b"HTTP/1.1 100 "));
    stream
}

#[test]
fn what_is_in_flight_when_it_is_ended_is_answered_and_nothing_is_left() {
    let body = r#"{"name":"Concert","capacity":5}"#;
    for signal in ending_signals() {
        let mut server = Developing::start(Some(Path::new(STANDARD)), &["--json"]);
        server.serving();
        assert_eq!(server.folders(), 1, "it keeps its database there");
        let mut asking = half_asked(&server, body);
        server.signal(signal);
        asking.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        asking.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 "), "{signal:?}: {answer}");
        let (code, said, left) = server.ended();
        assert_eq!((code, left), (Some(0), 0), "{signal:?}");
        let said: Value = serde_json::from_str(&said).expect("that request, and nothing else");
        assert_eq!(said["status"], 201);
    }
}

#[test]
fn whoever_started_it_to_outlive_the_terminal_has_that() {
    let dir = TempDir::new().unwrap();
    let mut command = std::process::Command::new("sh");
    let run = r#"trap "" HUP; exec "$0" rules dev rules.wasm --listen 127.0.0.1:0 --json"#;
    command.current_dir(dir.path()).env_clear().args(["-c", run, env!("CARGO_BIN_EXE_boxoffice")]);
    fs::create_dir(dir.path().join("tmp")).unwrap();
    let mut child = command.env("TMPDIR", dir.path().join("tmp")).stdout(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut server = Developing { child, out, dir, address: String::new() };
    assert_eq!(server.event()["event"], "waiting");
    server.signal(Signal::HUP);
    server.save(Path::new(STANDARD));
    server.serving();
    assert_eq!(server.interrupt(), (Some(0), String::new(), 0));
}

#[test]
fn ctrl_c_ends_it_and_nothing_is_left_also_while_it_waits() {
    let mut server = Developing::start(None, &["--json"]);
    assert_eq!(server.event()["event"], "waiting");
    assert_eq!(server.interrupt(), (Some(0), String::new(), 0));
}

#[test]
fn what_cannot_be_served_on_is_refused_by_name() {
    let dir = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_refused(
        &run(dir.path(), &["rules", "dev", STANDARD, "--listen", &address]),
        1,
        &["--listen", &address, "127.0.0.1:0"],
    );
    assert_refused(
        &run(dir.path(), &["rules", "dev", STANDARD, "--listen", "0.0.0.0:0"]),
        2,
        &["--listen", "any role"],
    );
    assert_refused(&run(dir.path(), &["rules", "dev", "-"]), 2, &["name a file"]);
    // For scripts, as an object like all the others.
    let output = run(dir.path(), &["rules", "dev", STANDARD, "--json", "--listen", &address]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["event"]), (Some(1), &"failed".into()));
    assert!(told["message"].as_str().unwrap().contains(&address) && output.stderr.is_empty(), "{told}");
}

#[test]
fn the_limiter_is_off_unless_it_is_asked_for_and_holds_can_be_short() {
    let mut server = Developing::start(Some(Path::new(STANDARD)), &["--json", "--rate-limit", "1/1h", "--hold", "1s"]);
    server.serving();
    assert_eq!((server.ask("GET", "/events", "", ""), server.ask("GET", "/events", "", "")), (200, 429));
    assert_eq!(server.event()["code"], Value::Null);
    assert_eq!(server.event()["code"], "rate_limited");
    let mut server = Developing::start(Some(Path::new(STANDARD)), &["--json"]);
    server.serving();
    assert!((0..20).all(|_| server.ask("GET", "/events", "", "") == 200));
}

#[test]
fn whoever_does_not_read_delays_no_request_and_what_is_not_shown_is_counted() {
    const REQUESTS: u64 = 1_600;
    let mut server = Developing::start(Some(unruly_rules()), &["--json"]);
    server.serving();
    // More than a pipe and the queue hold; all are answered, though nobody reads.
    assert!((0..REQUESTS).all(|_| server.ask("GET", "/nothing", "", "") == 404));
    let (mut shown, mut not_shown) = (0, 0);
    while shown + not_shown < REQUESTS {
        let event = server.event();
        match event["event"].as_str() {
            Some("request") => shown += 1,
            Some("not-shown") => not_shown += event["requests"].as_u64().unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert!(not_shown > 0 && shown + not_shown == REQUESTS, "{shown} and {not_shown}");
    assert_eq!(server.ask("GET", "/fine", "", ""), 200);
    assert_eq!(server.event()["path"], "/fine");
}
