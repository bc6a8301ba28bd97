//! Resident memory: idle, under load, and with many connections that say nothing.

use std::pin::pin;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::Bench;
use super::pace::registrations;
use super::program::Program;
use super::report::{Cell, Table};
use super::rows::PLENTY;
use super::server::Server;

/// How often it is looked at under load.
const LOOK: Duration = Duration::from_millis(50);
/// Until what a start needed is given back.
const SETTLE: Duration = Duration::from_millis(500);
const CONNECTIONS: u32 = 128;
const IDLE_CONNECTIONS: usize = 10_000;
/// Descriptors of this process that are no connections.
const OTHER_DESCRIPTORS: u64 = 64;

pub(super) async fn measure(bench: &Bench) -> Result<Table, String> {
    let mut table = Table::new("memory", "Resident memory", &["", "MB", "wanted"]);
    bench.progress.say("memory, idle");
    let server = Server::start(bench, &Program::usual()).await?;
    let event = server.event("Idle", PLENTY).await?;
    server.get("/events").await?;
    sleep(SETTLE).await;
    table.line([Cell::text("idle"), Cell::number(server.resident_mb()?, 1), Cell::text("40, better 20")]);
    if !bench.options.quick {
        bench.progress.say(format!("memory, {IDLE_CONNECTIONS} idle connections"));
        let connections = idle_connections(&server, &event).await?;
        let what = format!("{} idle connections, each answered once", connections.len());
        table.line([Cell::text(what), Cell::number(server.resident_mb()?, 1), Cell::text("250, better 150")]);
        drop(connections);
        server.stop().await?;
    }
    let server = Server::start(bench, &Program::usual()).await?;
    bench.progress.say("memory, under load");
    let most = most_resident(&server, bench.options.seconds() + 1).await?;
    let what = format!("{CONNECTIONS} connections that register, at the most");
    table.line([Cell::text(what), Cell::number(most, 1), Cell::text("120, better 80")]);
    server.stop().await?;
    table.note(format!("`{}`", Program::usual().shown));
    Ok(table)
}

/// The most resident memory that is seen during so many seconds of registrations, in MB.
async fn most_resident(server: &Server, seconds: u32) -> Result<f64, String> {
    let mut load = pin!(registrations(server, CONNECTIONS, seconds));
    let mut most: f64 = 0.0;
    loop {
        tokio::select! {
            ended = &mut load => return ended.map(|_| most),
            () = sleep(LOOK) => most = most.max(server.resident_mb()?),
        }
    }
}

/// As many as there may be, each of which has had one answer.
async fn idle_connections(server: &Server, event: &str) -> Result<Vec<TcpStream>, String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = IDLE_CONNECTIONS as u64 + OTHER_DESCRIPTORS;
    let reachable = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if current.is_some_and(|current| current < reachable) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(reachable), maximum }).map_err(|error| error.to_string())?;
    }
    let many = usize::try_from(reachable.saturating_sub(OTHER_DESCRIPTORS)).unwrap_or(0).min(IDLE_CONNECTIONS);
    let request = format!("GET /events/{event} HTTP/1.1\r\nhost: bench\r\n\r\n");
    let mut connections = Vec::with_capacity(many);
    for n in 0..many {
        let named = |error: std::io::Error| format!("connection {n} of {}: {error}", server.name());
        let mut stream = TcpStream::connect(server.address()).await.map_err(named)?;
        stream.write_all(request.as_bytes()).await.map_err(named)?;
        let mut answer = [0; 2048];
        let got = stream.read(&mut answer).await.map_err(named)?;
        if !answer[..got].starts_with(b"HTTP/1.1 200 ") {
            return Err(format!(
                "{}: connection {n} was answered {:?}",
                server.name(),
                String::from_utf8_lossy(&answer[..got])
            ));
        }
        connections.push(stream);
    }
    Ok(connections)
}
