//! What was measured, and where.

use boxoffice::clock::{Clock as _, SystemClock};
use boxoffice_sdk::Moment;
use serde::Serialize;
use tokio::process::Command;

/// The machine, the versions, the day.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) boxoffice: String,
    pub(crate) wrk: String,
}

/// What can be found out; what cannot is said to be unknown.
pub(crate) async fn describe(wrk: &str) -> Machine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim().to_owned()));
    let commit = Command::new("git").args(["describe", "--always", "--dirty"]).output().await;
    let commit = commit.ok().filter(|said| said.status.success());
    let commit = commit.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned());
    let unknown = || "unknown".to_owned();
    let now = Moment::from_ms(SystemClock::start().wall().as_u64()).to_string();
    Machine {
        date: now.split('T').next().unwrap_or_default().to_owned(),
        cpu: cpu.unwrap_or_else(unknown),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        boxoffice: format!("{} ({})", env!("CARGO_PKG_VERSION"), commit.unwrap_or_else(unknown)),
        wrk: wrk.to_owned(),
    }
}
