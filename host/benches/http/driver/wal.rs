//! Whether the write-ahead log stays within bounds: a minute of nothing but registrations.

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use super::Bench;
use super::program::Program;
use super::report::{Cell, Table};
use super::rows::PLENTY;
use super::server::Server;
use super::wrk::{Load, Measured, Method};

const SECONDS: u32 = 60;
const CONNECTIONS: u32 = 128;
/// Enough that none is sold out in this time.
const EVENTS: u32 = 8;
const LOOK: Duration = Duration::from_millis(20);
/// Four times what the writer lets it grow to before it moves it into the database: a reader can hold it for a while.
const BOUND_MB: f64 = 64.0;

pub(super) async fn measure(bench: &Bench) -> Result<Table, String> {
    let server = Server::start(bench, &Program::usual()).await?;
    let mut paths = Vec::new();
    for n in 0..EVENTS {
        paths.push(format!("/events/{}/register", server.event(&format!("Sale {n}"), PLENTY).await?));
    }
    bench.progress.say(format!("the write-ahead log in {SECONDS} s of registrations"));
    let load = Load {
        method: Method::Register,
        paths,
        connections: CONNECTIONS,
        seconds: SECONDS,
        run: "wal".into(),
        refused: false,
    };
    let (measured, most) = largest_log(&server, &load).await?;
    let columns = ["", "registrations", "a second", "p99 ms", "database MB", "log at the most MB", "wanted"];
    let mut table = Table::new("wal", "The write-ahead log", &columns);
    #[expect(clippy::cast_precision_loss, reason = "it is a measurement")]
    let registrations = measured.requests as f64;
    table.line([
        Cell::text(format!("{SECONDS} s, {CONNECTIONS} connections")),
        Cell::number(registrations, 0),
        Cell::number(measured.per_second(), 0),
        Cell::number(measured.p99_ms, 2),
        Cell::number(megabytes(&server, "events.db"), 0),
        Cell::number(most, 1),
        Cell::text(format!("{BOUND_MB:.0} at the most")),
    ]);
    server.stop().await?;
    table.note("a minute instead of an hour: the log is moved into the database every 4,000 pages (16 MiB), again and again in this time");
    Ok(table)
}

/// What came of the load, and how large the log was at the most, in MB.
async fn largest_log(server: &Server, load: &Load) -> Result<(Measured, f64), String> {
    let mut running = pin!(load.run(server));
    let mut most: f64 = 0.0;
    loop {
        tokio::select! {
            ended = &mut running => return Ok((ended?, most)),
            () = sleep(LOOK) => most = most.max(megabytes(server, "events.db-wal")),
        }
    }
}

fn megabytes(server: &Server, name: &str) -> f64 {
    let bytes = std::fs::metadata(server.folder().join(name)).map_or(0, |file| file.len());
    #[expect(clippy::cast_precision_loss, reason = "it is a measurement")]
    let bytes = bytes as f64;
    bytes / 1e6
}
