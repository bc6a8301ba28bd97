//! Starts the program, and speaks HTTP to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The program, in `dir`, with an environment of its own.
pub(crate) fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
    command.current_dir(dir).env_clear().stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(dir: &Path, arguments: &[&str]) -> Output {
    program(dir).args(arguments).output().expect("the program starts")
}

/// What a program that refuses to start must say: one line, on stderr alone.
#[track_caller]
pub(crate) fn assert_refused(output: &Output, code: i32, mentions: &[&str]) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let said: Vec<_> = stderr.lines().filter(|line| line.starts_with("boxoffice: ")).collect();
    assert_eq!((output.status.code(), said.len(), stdout.as_ref()), (Some(code), 1, ""), "{stderr}");
    for word in mentions {
        assert!(said[0].contains(word), "{word:?} is missing in {:?}", said[0]);
    }
}

/// A server that runs.
pub(crate) struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
    /// Where the REST API is.
    pub(crate) address: String,
    /// Where the operator's surface is.
    pub(crate) admin_address: String,
    /// What it logged until it listened.
    pub(crate) started: Vec<Value>,
}

impl Running {
    /// Starts `serve` on free ports in `dir` and waits until it listens.
    pub(crate) fn start(dir: &TempDir, more: &[&str]) -> Self {
        Self::launch(program(dir.path()), more)
    }

    /// The same, with at most this many open files.
    pub(crate) fn start_limited(dir: &TempDir, files: u32, more: &[&str]) -> Self {
        Self::start_after(dir, &format!("ulimit -n {files}"), more)
    }

    /// The same, in a process to which a shell has done this first.
    pub(crate) fn start_after(dir: &TempDir, prepared: &str, more: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command.current_dir(dir.path()).env_clear().stdin(Stdio::null());
        command.args(["-c", &format!("{prepared}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_boxoffice")]);
        Self::launch(command, more)
    }

    fn launch(mut command: Command, more: &[&str]) -> Self {
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).args(more);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut log = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut started = Vec::new();
        let listening = loop {
            let line = next_line(&mut log).expect("it listens");
            started.push(line.clone());
            if line["message"] == "listening" {
                break line;
            }
        };
        let address = |name: &str| listening[name].as_str().expect("an address").to_owned();
        Self { child, log, address: address("address"), admin_address: address("admin_address"), started }
    }

    /// Sends a request as it is and gives the whole answer.
    pub(crate) fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it accepts");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// What the operator's surface says of readiness.
    pub(crate) fn ready(&self) -> String {
        let mut stream = TcpStream::connect(&self.admin_address).expect("it accepts");
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// A request with a JSON body, and the JSON that comes back.
    pub(crate) fn json(&self, method: &str, path: &str, role: &str, body: &str) -> (String, Value) {
        let answer = self.send(&format!(
            "{method} {path} HTTP/1.1\r\nhost: h\r\nx-role: {role}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ));
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// The line about the rules that it loaded.
    pub(crate) fn rules_loaded(&self) -> &Value {
        self.started.iter().find(|line| line["message"] == "rules loaded").expect("it has loaded rules")
    }

    /// The next lines of its log, up to the one whose message contains this.
    pub(crate) fn log_until(&mut self, message: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        loop {
            let line = next_line(&mut self.log).expect("it runs");
            let found = line["message"].as_str().is_some_and(|said| said.contains(message));
            lines.push(line);
            if found {
                return lines;
            }
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it runs");
    }

    /// Its operator, who has this token.
    pub(crate) fn operator(&self, token: &str) -> Operator {
        Operator { surface: self.admin_address.clone(), token: token.to_owned() }
    }

    /// Waits for its end; gives the status and the rest of its log.
    pub(crate) fn wait(mut self) -> (ExitStatus, Vec<Value>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).expect("a log");
        let lines = rest.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (self.child.wait().expect("it ends"), lines, rest)
    }
}

/// Talks to the operator's surface of a server that may end at any moment.
#[derive(Clone)]
pub(crate) struct Operator {
    surface: String,
    token: String,
}

impl Operator {
    /// Status and JSON of an answer; `None`: there was none.
    pub(crate) fn call(&self, method: &str, path: &str, media: &str, body: &[u8]) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.surface).ok()?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\ncontent-type: {media}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            self.token,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.get(9..12)?.parse().ok()?, serde_json::from_str(body).ok()?))
    }

    /// Uploads a module.
    pub(crate) fn push(&self, module: &[u8]) -> Option<(u16, Value)> {
        self.call("POST", "/v1/modules", "application/wasm", module)
    }

    /// Says how a module is to serve.
    pub(crate) fn activate(&self, module: &str, mode: &Value) -> Option<(u16, Value)> {
        let path = format!("/v1/modules/{module}/activate");
        self.call("POST", &path, "application/json", mode.to_string().as_bytes())
    }

    /// What there is.
    pub(crate) fn list(&self) -> Option<Value> {
        self.call("GET", "/v1/modules", "text/plain", b"").map(|(_, list)| list)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // If it has ended, that is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `holds` does.
#[expect(clippy::disallowed_methods, reason = "the deadline of a test that would hang")]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed().as_secs() < 30, "in vain waited until {what}");
        std::thread::yield_now();
    }
}

fn next_line(log: &mut BufReader<ChildStderr>) -> Option<Value> {
    let mut line = String::new();
    let read = log.read_line(&mut line).expect("a log");
    (read > 0).then(|| serde_json::from_str(&line).unwrap_or(Value::String(line)))
}

/// What ends a command that runs for long: Ctrl-C, what a process manager sends, and a terminal that is closed. Not the last one where these
/// tests were started to outlive theirs, as `nohup` does: their programs have that from them, and go on.
pub(crate) fn ending_signals() -> Vec<Signal> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("a line of Linux");
    let outlives = u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1;
    if outlives {
        eprintln!("SIGHUP is ignored by whoever started this, and not tried");
    }
    let hang_up = (!outlives).then_some(Signal::HUP);
    [Signal::INT, Signal::TERM].into_iter().chain(hang_up).collect()
}
