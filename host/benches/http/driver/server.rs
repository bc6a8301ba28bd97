//! A server under load: a process of its own in a folder of its own.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use boxoffice::clock::Stopwatch;
use harness::{Answer, Call};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::Bench;
use super::program::{Kind, Program};

/// What a start, or an end, may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is tried whether a server is there.
const TRY_AGAIN: Duration = Duration::from_millis(1);
/// Of the kernel's accounts of CPU time, on every Linux that this builds for.
const TICKS_A_SECOND: f64 = 100.0;

/// A running server. It ends when this is dropped.
pub(crate) struct Server {
    name: String,
    address: SocketAddr,
    child: Child,
    /// Goes with it, where it is its own.
    folder: Folder,
}

/// Where a server's database is.
pub(crate) enum Folder {
    /// For it alone.
    Own(TempDir),
    /// It was there before, and stays.
    Lasting(PathBuf),
}

impl Folder {
    /// An empty one.
    pub(crate) fn fresh(bench: &Bench) -> Result<Self, String> {
        let made = tempfile::Builder::new().prefix("server-").tempdir_in(&bench.folder);
        made.map(Self::Own).map_err(|error| format!("no folder can be made in {}: {error}", bench.folder.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Own(folder) => folder.path(),
            Self::Lasting(path) => path,
        }
    }
}

fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("no free port: {error}"))?;
    listener.local_addr().map_err(|error| error.to_string())
}

impl Server {
    /// Starts it in an empty folder, and waits until it answers.
    pub(crate) async fn start(bench: &Bench, program: &Program) -> Result<Self, String> {
        Self::start_in(program, Folder::fresh(bench)?).await
    }

    /// Starts it in this folder, and waits until it answers.
    pub(crate) async fn start_in(program: &Program, folder: Folder) -> Result<Self, String> {
        let (listen, admin) = (free_address()?, free_address()?);
        let path = folder.path();
        let named = |error: std::io::Error| format!("{}: {error}", program.name);
        let log = File::create(path.join("log")).map_err(named)?;
        let serve = |command: &mut Command, flags: &[String]| {
            let (listen, admin) = (listen.to_string(), admin.to_string());
            command.args(["--listen", &listen, "--admin-listen", &admin, "--db", "events.db"]).args(flags);
        };
        let this = std::env::current_exe().map_err(named)?;
        let (mut command, address) = match &program.kind {
            Kind::Hello | Kind::Native(_) => (Command::new(this), listen),
            Kind::Boxoffice(_) => (Command::new(env!("CARGO_BIN_EXE_boxoffice")), listen),
            Kind::Peer { url, .. } => (Command::new("sh"), address_of(url)?),
        };
        match &program.kind {
            Kind::Hello => {
                command.args(["hello", &listen.to_string()]);
            }
            Kind::Native(flags) => serve(command.arg("native"), flags),
            Kind::Boxoffice(flags) => serve(command.arg("serve"), flags),
            Kind::Peer { command: line, .. } => {
                command.args(["-c", &format!("exec {line}")]);
            }
        }
        if !matches!(program.kind, Kind::Peer { .. }) {
            // Its defaults, whatever whoever measures has set.
            command.env_clear();
        }
        command.current_dir(path);
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(named)?).stderr(log).kill_on_drop(true);
        let child = command.spawn().map_err(named)?;
        let mut server = Self { name: program.name.clone(), address, child, folder };
        server.wait_until_there().await?;
        Ok(server)
    }

    /// Its listener is there before the server is, so that an answer is what counts.
    async fn wait_until_there(&mut self) -> Result<(), String> {
        let watch = Stopwatch::start();
        let call = Call::new(self.address, "GET", "/events");
        loop {
            if let Ok(stream) = call.connect().await
                && let Ok(Ok(_)) = timeout(PATIENCE, call.clone().send_over(stream)).await
            {
                return Ok(());
            }
            let ended = self.child.try_wait().ok().flatten();
            if ended.is_some() || watch.elapsed() > PATIENCE {
                let why = if ended.is_some() { "ended at its start" } else { "does not answer" };
                return Err(format!("{} {why}; its log: {}", self.name, self.log_kept().display()));
            }
            sleep(TRY_AGAIN).await;
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// Its log, where it is still there when the folder is gone; the end of it.
    pub(crate) fn log_kept(&self) -> PathBuf {
        let kept = self.folder().with_file_name("failed.log");
        // If it cannot be kept, whoever looks for it sees so.
        let _ = std::fs::copy(self.folder().join("log"), &kept);
        kept
    }

    fn proc_file(&self, name: &str) -> Result<String, String> {
        let pid = self
            .child
            .id()
            .ok_or_else(|| format!("{} has ended; its log: {}", self.name, self.log_kept().display()))?;
        std::fs::read_to_string(format!("/proc/{pid}/{name}")).map_err(|error| format!("{}: {error}", self.name))
    }

    /// CPU time that it has used so far.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, String> {
        let stat = self.proc_file("stat")?;
        // Behind the name, which is in brackets: utime and stime are the 12th and 13th.
        let ticks = stat.rsplit(')').next().map(|rest| rest.split_whitespace().skip(11).take(2));
        let ticks: Option<f64> = ticks.and_then(|two| two.map(|field| field.parse::<f64>().ok()).sum());
        ticks.map(|ticks| ticks / TICKS_A_SECOND).ok_or_else(|| "the kernel tells no CPU time".into())
    }

    /// Its resident memory now, in MB.
    pub(crate) fn resident_mb(&self) -> Result<f64, String> {
        let status = self.proc_file("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
        kib.map(|kib| kib * 1024.0 / 1e6).ok_or_else(|| "the kernel tells no resident memory".into())
    }

    async fn call(&self, call: Call, expected: u16) -> Result<Answer, String> {
        let answer = timeout(PATIENCE, call.send()).await.map_err(|_| format!("{} does not answer", self.name))?;
        if answer.status == expected {
            return Ok(answer);
        }
        Err(format!("{} answered {} instead of {expected}: {}", self.name, answer.status, answer.text))
    }

    /// Reads what is at this path.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, String> {
        Ok(self.call(Call::new(self.address, "GET", path), 200).await?.body)
    }

    /// Makes an event; gives its id.
    pub(crate) async fn event(&self, name: &str, capacity: u32) -> Result<String, String> {
        let call = Call::new(self.address, "POST", "/events").role("organizer");
        let made = self.call(call.json(&json!({"name": name, "capacity": capacity})), 201).await?;
        made.body["id"].as_str().map(str::to_owned).ok_or_else(|| format!("{} made an event without an id", self.name))
    }

    /// Registers one email; the answer has to have this status.
    pub(crate) async fn register(&self, event: &str, email: &str, expected: u16) -> Result<(), String> {
        let call = Call::new(self.address, "POST", &format!("/events/{event}/register")).role("user");
        self.call(call.json(&json!({ "email": email })), expected).await.map(|_| ())
    }

    /// Seats of an event that are left.
    pub(crate) async fn available(&self, event: &str) -> Result<u64, String> {
        let event = self.get(&format!("/events/{event}")).await?;
        event["available"].as_u64().ok_or_else(|| format!("{} says nothing of available seats", self.name))
    }

    /// Ends it as an operator would.
    pub(crate) async fn stop(mut self) -> Result<Folder, String> {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        let asked = pid.map(|pid| kill_process(pid, Signal::TERM));
        if !matches!(asked, Some(Ok(()))) || timeout(PATIENCE, self.child.wait()).await.is_err() {
            return Err(format!("{} does not end; its log: {}", self.name, self.log_kept().display()));
        }
        Ok(self.folder)
    }
}

fn address_of(url: &str) -> Result<SocketAddr, String> {
    let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.ok_or_else(|| format!("--peer-url {url}: write it as http://127.0.0.1:8080"))
}
