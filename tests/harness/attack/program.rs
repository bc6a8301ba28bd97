//! The program, as a process of its own that is looked at from outside.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use boxoffice::clock::Stopwatch;
use boxoffice::store::sqlite::violations;
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::Plan;
use crate::client::Call;

/// How long it may take to start (a module is compiled) and to stop.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);
const DB: &str = "events.db";

/// The program with these rules, in a folder of its own.
pub(super) fn command(plan: &Plan, dir: &Path, rules: &Path) -> Command {
    let mut command = Command::new(&plan.program);
    command.current_dir(dir).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--db", DB]);
    command.args(["--rate-limit", "off", "--log-format", "json", "--rules"]).arg(rules).args(&plan.flags);
    command
}

/// A running server.
pub(super) struct Program {
    child: Child,
    dir: TempDir,
    log: Log,
    reader: Option<JoinHandle<()>>,
    pub(super) address: SocketAddr,
    pub(super) admin_address: SocketAddr,
}

/// The lines that the program has written so far.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Those lines that `wanted` picks; what is no JSON is null.
    pub(super) fn lines(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parsed = lines.iter().map(|line| serde_json::from_str(line).unwrap_or(Value::Null));
        parsed.filter(wanted).collect()
    }

    /// Everything, as it is.
    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    fn follow(&self, stderr: impl std::io::Read + Send + 'static) -> JoinHandle<()> {
        let log = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                log.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        })
    }
}

impl Program {
    /// Starts it with these rules and waits until it listens.
    pub(super) fn start(plan: &Plan, rules: &[u8]) -> Result<Self, String> {
        let dir = TempDir::new().map_err(|error| error.to_string())?;
        let file = dir.path().join("rules.wasm");
        std::fs::write(&file, rules).map_err(|error| error.to_string())?;
        let spawned = command(plan, dir.path(), &file).spawn();
        let mut child = spawned.map_err(|error| format!("{} does not start: {error}", plan.program.display()))?;
        let log = Log::default();
        let stderr = child.stderr.take().ok_or("its stderr is not piped")?;
        let reader = log.follow(stderr);
        let mut listening = Value::Null;
        let started = wait(PATIENCE, || {
            if let Some(line) = log.lines(|line| line["message"] == "listening").pop() {
                listening = line;
            }
            !listening.is_null() || reader.is_finished()
        });
        let address = |name: &str| listening[name].as_str().and_then(|address| address.parse().ok());
        let (Some(address), Some(admin_address), true) = (address("address"), address("admin_address"), started) else {
            // It is of no use, whether it still runs or not.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("the program does not listen: {}", log.text()));
        };
        Ok(Self { child, dir, log, reader: Some(reader), address, admin_address })
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process that was started still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How often a run failed for this cause, by the metrics.
    pub(super) async fn failures(&self, cause: &str) -> u64 {
        let metrics = Call::new(self.admin_address, "GET", "/metrics").send().await.text;
        let of_cause = metrics.lines().filter(|line| {
            line.starts_with("boxoffice_rules_failures_total{") && line.contains(&format!("cause=\"{cause}\""))
        });
        of_cause.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Stops it; gives what was not as promised at its end.
    pub(super) fn stop(mut self) -> Vec<String> {
        let mut faults = Vec::new();
        let ended = self.is_alive() && kill_process(Pid::from_child(&self.child), Signal::TERM).is_ok();
        let ended = ended && wait(PATIENCE, || matches!(self.child.try_wait(), Ok(Some(_))));
        if !ended || !self.child.wait().is_ok_and(|status| status.success()) {
            faults.push("the program did not end in an orderly way".to_owned());
        }
        if let Some(reader) = self.reader.take()
            && ended
        {
            // It ends with the stderr that it reads.
            let _ = reader.join();
        }
        for line in self.log.lines(|line| line["message"].as_str().is_none_or(|said| said.starts_with("panic"))) {
            faults.push(format!("a line of the log is none, or tells of a panic: {line}"));
        }
        match sound(&self.dir.path().join(DB)) {
            Ok(violated) => faults.extend(violated),
            Err(error) => faults.push(format!("the database cannot be read: {error}")),
        }
        faults
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // If it has ended, that is what was wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sound(db: &Path) -> rusqlite::Result<Vec<String>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    violations(&Connection::open_with_flags(db, flags)?)
}

/// Bytes of the process that are resident.
pub(super) fn rss(process: u32) -> i64 {
    // Of a program that has ended there is none; that it lives is checked by itself.
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<i64>().ok());
    kib.unwrap_or(0) * 1024
}

/// A program that ended by itself.
pub(super) struct Ended {
    /// `None`: it did not end in time, or a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) stderr: String,
    /// Whether there is a database now.
    pub(super) made_database: bool,
    /// Whether it came as far as to listen.
    pub(super) listened: bool,
}

/// What `rules check --json` says of these rules: its exit code and its object; null if it ended otherwise, or not in time.
pub(super) fn run_check(plan: &Plan, flags: &[&str], rules: &[u8]) -> Result<(Option<i32>, Value), String> {
    let dir = TempDir::new().map_err(|error| error.to_string())?;
    let file = dir.path().join("rules.wasm");
    std::fs::write(&file, rules).map_err(|error| error.to_string())?;
    let mut command = Command::new(&plan.program);
    command.current_dir(dir.path()).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.args(["rules", "check", "--json", "--cache-dir", "cache"]).args(&plan.flags).args(flags).arg(&file);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let said = Log::default();
    let reader = said.follow(child.stdout.take().ok_or("its stdout is not piped")?.take(1 << 20));
    let ended = wait(PATIENCE, || matches!(child.try_wait(), Ok(Some(_))));
    // If it has ended, that is what was wanted.
    let _ = child.kill();
    let code = child.wait().ok().and_then(|status| status.code()).filter(|_| ended);
    let _ = reader.join();
    Ok((code, serde_json::from_str(&said.text()).unwrap_or(Value::Null)))
}

/// Starts the program with these rules, for it to refuse them: waits until it ends or listens.
pub(super) fn run_to_end(plan: &Plan, flags: &[&str], rules: &[u8]) -> Result<Ended, String> {
    let dir = TempDir::new().map_err(|error| error.to_string())?;
    let file = dir.path().join("rules.wasm");
    std::fs::write(&file, rules).map_err(|error| error.to_string())?;
    let mut child = command(plan, dir.path(), &file).args(flags).spawn().map_err(|error| error.to_string())?;
    let stderr = child.stderr.take().ok_or("its stderr is not piped")?;
    let log = Log::default();
    let reader = log.follow(stderr.take(1 << 20));
    let mut listened = false;
    wait(PATIENCE, || {
        listened = log.text().contains("\"listening\"");
        listened || reader.is_finished()
    });
    if listened {
        // It has taken the module, so it is told to stop.
        let _ = kill_process(Pid::from_child(&child), Signal::TERM);
    }
    let ended = wait(PATIENCE, || matches!(child.try_wait(), Ok(Some(_))));
    let _ = child.kill();
    let code = child.wait().ok().and_then(|status| status.code()).filter(|_| ended);
    let _ = reader.join();
    Ok(Ended { code, stderr: log.text(), made_database: dir.path().join(DB).exists(), listened })
}

/// Waits until `holds`, at most so long; whether it does.
#[expect(clippy::disallowed_methods, reason = "it looks at a process again and again, and lets it work meanwhile")]
pub(super) fn wait(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let watch = Stopwatch::start();
    loop {
        if holds() {
            return true;
        }
        if watch.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
