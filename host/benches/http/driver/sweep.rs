//! Registrations while 100,000 holds that ran out are swept.

use std::time::Duration;

use boxoffice::clock::Stopwatch;
use tokio::time::sleep;

use super::Bench;
use super::grown::{Mix, make};
use super::pace::registrations;
use super::program::Program;
use super::report::{Cell, Table};
use super::server::{Folder, Server};

const DUE: u32 = 100_000;
/// The first sweep comes this long after the start, between the two measurements.
const INTERVAL: Duration = Duration::from_secs(6);
/// How long before the sweep the second measurement begins.
const AHEAD: Duration = Duration::from_millis(100);
/// What the sweep may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Seconds of a measurement.
const SECONDS: u32 = 4;
/// Few enough that registrations do not wait for each other.
const CONNECTIONS: u32 = 16;
/// How much longer a registration may take meanwhile.
const WANTED: f64 = 3.0;

pub(super) async fn measure(bench: &Bench) -> Result<Table, String> {
    let folder = Folder::fresh(bench)?;
    make(bench, folder.path(), DUE, Mix::Due).await?;
    let interval = format!("{}s", INTERVAL.as_secs());
    let program = Program::boxoffice("sweep", &["--sweep-interval", &interval, "--audit-retention", "36500days"]);
    let started = Stopwatch::start();
    let server = Server::start_in(&program, folder).await?;
    bench.progress.say("registrations, before the sweep");
    let before = registrations(&server, CONNECTIONS, SECONDS).await?;
    if swept(&server).is_some() {
        return Err("the sweep came too early: this machine is too slow for this measurement".into());
    }
    bench.progress.say("registrations, beside the sweep");
    sleep(INTERVAL.saturating_sub(started.elapsed() + AHEAD)).await;
    // The worst of as many measurements as the sweep takes.
    let mut beside = registrations(&server, CONNECTIONS, SECONDS).await?;
    while swept(&server).is_none() && started.elapsed() < PATIENCE {
        let next = registrations(&server, CONNECTIONS, SECONDS).await?;
        if next.p99_ms > beside.p99_ms {
            beside = next;
        }
    }
    let released = swept(&server).unwrap_or(0);
    server.stop().await?;
    if released < DUE {
        return Err(format!("{released} of {DUE} holds were swept within {} s", PATIENCE.as_secs()));
    }
    let columns = ["", "registrations/s", "p50 ms", "p99 ms", "longest ms", "p99, of before", "wanted"];
    let mut table = Table::new("sweep", "Registrations beside a sweep of 100,000 holds that ran out", &columns);
    for (what, measured) in [("before", &before), ("beside", &beside)] {
        let ratio = measured.p99_ms / before.p99_ms;
        table.line([
            Cell::text(what),
            Cell::number(measured.per_second(), 0),
            Cell::number(measured.p50_ms, 2),
            Cell::number(measured.p99_ms, 2),
            Cell::number(measured.max_ms, 1),
            Cell::number(ratio, 2),
            if what == "beside" { Cell::text(format!("{WANTED:.0} at the most")) } else { Cell::Nothing },
        ]);
    }
    table.note(format!(
        "`{}`, {CONNECTIONS} connections, {SECONDS} s each; all {released} were swept beside the second one",
        program.shown
    ));
    Ok(table)
}

/// Holds that the first sweep with any has released, as the log says.
fn swept(server: &Server) -> Option<u32> {
    let log = server.log();
    let line = log.lines().find(|line| line.contains("\"message\":\"swept\""))?;
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    line["released"].as_u64()?.try_into().ok()
}
