//! The rows: what each server makes of the same load.

use super::program::{Kind, Program};
use super::report::{Cell, Table};
use super::server::Server;
use super::wrk::{Load, Measured, Method};
use super::{Bench, disk};

/// Events that `GET /events` lists.
const EVENTS: u32 = 20;
/// Seats of an event that is not to be sold out.
pub(crate) const PLENTY: u32 = 1_000_000;

/// What is asked of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    List,
    One,
    Register,
    SoldOut,
}

impl Row {
    const ALL: [Self; 4] = [Self::List, Self::One, Self::Register, Self::SoldOut];

    fn title(self) -> &'static str {
        match self {
            Self::List => "GET /events, 20 events",
            Self::One => "GET /events/{id}",
            Self::Register => "register, durable",
            Self::SoldOut => "register, sold out",
        }
    }

    /// What is wanted of this server, against native rules; empty where nothing was said.
    fn wanted(self, server: &str) -> &'static str {
        match (self, server) {
            (Self::Register, "guest fresh") => "0.60 of native, better 0.85",
            (Self::Register, "guest reused") => "0.90 of native, better 0.97",
            (Self::One, "guest fresh") => "12 µs over native, better 6",
            (Self::List, "as by default") => "3 times the peer, better 6",
            (Self::Register, "as by default") => "6 times the peer, better 10",
            (Self::SoldOut, "as by default") => "2 times the peer, better 4",
            _ => "",
        }
    }

    fn connections(self) -> u32 {
        if self == Self::Register { 128 } else { 64 }
    }
}

/// A server that is ready for all rows.
struct Ready {
    program: Program,
    server: Server,
    /// Empty where nobody keeps books.
    event: String,
    sold_out: String,
}

impl Ready {
    async fn start(bench: &Bench, program: Program) -> Result<Self, String> {
        bench.progress.say(format!("starts {}", program.name));
        let server = Server::start(bench, &program).await?;
        let mut ready = Self { program, server, event: "none".into(), sold_out: "none".into() };
        if ready.program.keeps_books() {
            for n in 0..EVENTS {
                let capacity = if n == 0 { 1 } else { PLENTY };
                let id = ready.server.event(&format!("Event {n}"), capacity).await?;
                if n == 0 { ready.sold_out = id } else { ready.event = id }
            }
            ready.server.register(&ready.sold_out, "first@example.org", 201).await?;
            ready.server.register(&ready.sold_out, "second@example.org", 409).await?;
        }
        Ok(ready)
    }

    async fn measure(&self, row: Row, run: &str, seconds: u32) -> Result<Measured, String> {
        let books = self.program.keeps_books();
        // Each time another event: none is ever sold out by the load.
        let sale = if books && row == Row::Register { self.server.event("Sale", PLENTY).await? } else { "none".into() };
        let (method, path) = match row {
            Row::List => (Method::Get, "/events".to_owned()),
            Row::One => (Method::Get, format!("/events/{}", self.event)),
            Row::Register => (Method::Register, format!("/events/{sale}/register")),
            Row::SoldOut => (Method::Register, format!("/events/{}/register", self.sold_out)),
        };
        let refused = books && row == Row::SoldOut;
        let connections = row.connections();
        let load = Load { method, paths: vec![path], connections, seconds, run: run.to_owned(), refused };
        let measured = load.run(&self.server).await?;
        if books && row == Row::Register {
            sold_as_many(&self.server, &sale, &measured, connections).await?;
        }
        Ok(measured)
    }
}

/// Every 201 took one seat: as many as there were answers, and at most one more for each connection, whose answer nobody waited for.
pub(crate) async fn sold_as_many(
    server: &Server,
    event: &str,
    measured: &Measured,
    connections: u32,
) -> Result<(), String> {
    let sold = u64::from(PLENTY) - server.available(event).await?;
    if (measured.requests..=measured.requests + u64::from(connections)).contains(&sold) {
        return Ok(());
    }
    Err(format!("{}: {} registrations were acknowledged, and {sold} seats are taken", server.name(), measured.requests))
}

/// Loads all servers in turn, row by row.
pub(crate) async fn measure(bench: &Bench) -> Result<Table, String> {
    let (rounds, seconds) = (bench.options.rounds(), bench.options.seconds());
    let mut servers = Vec::new();
    for program in Program::all(&bench.options) {
        servers.push(Ready::start(bench, program).await?);
    }
    let columns = [
        "",
        "server",
        "requests/s",
        "of hello",
        "of native",
        "CPU µs each",
        "over native",
        "p50 ms",
        "p99 ms",
        "resident MB",
        "wanted",
    ];
    let mut table = Table::new("rows", "Requests", &columns);
    let mut syncs = Vec::new();
    for row in Row::ALL {
        let mut times: Vec<Vec<Measured>> = vec![Vec::new(); servers.len()];
        for round in 0..rounds {
            for (server, times) in servers.iter().zip(&mut times) {
                bench.progress.say(format!(
                    "{}, round {} of {rounds}: {}",
                    row.title(),
                    round + 1,
                    server.program.name
                ));
                times.push(server.measure(row, &format!("{row:?}{round}"), seconds).await?);
            }
            if row == Row::Register {
                syncs.push(disk::syncs_per_second(bench)?);
            }
        }
        for (server, measured) in servers.iter().zip(&times) {
            table.line(line(row, server, measured, &times)?);
        }
    }
    notes(&mut table, &servers, rounds, seconds);
    table.note(format!("beside the registrations, the disk alone synced {:.0} times a second", median(syncs)));
    for ready in servers {
        // A peer may end as it likes.
        let peer = matches!(ready.program.kind, Kind::Hello | Kind::Peer { .. });
        ready.server.stop().await.map(|_| ()).or_else(|why| if peer { Ok(()) } else { Err(why) })?;
    }
    Ok(table)
}

fn line(row: Row, ready: &Ready, measured: &[Measured], all: &[Vec<Measured>]) -> Result<Vec<Cell>, String> {
    let of = |other: usize| {
        let ratios = measured.iter().zip(&all[other]).map(|(own, first)| own.per_second() / first.per_second());
        Cell::number(median(ratios), 2)
    };
    let over = |other: usize| median(measured.iter().zip(&all[other]).map(|(own, first)| own.cpu_us - first.cpu_us));
    let hello = ready.program.kind == Kind::Hello;
    Ok(vec![
        Cell::text(row.title()),
        Cell::text(&ready.program.name),
        Cell::number(median(measured.iter().map(Measured::per_second)), 0),
        of(0),
        if hello { Cell::Nothing } else { of(1) },
        Cell::number(median(measured.iter().map(|it| it.cpu_us)), 1),
        if hello { Cell::Nothing } else { Cell::number(over(1), 1) },
        Cell::number(median(measured.iter().map(|it| it.p50_ms)), 2),
        Cell::number(median(measured.iter().map(|it| it.p99_ms)), 2),
        Cell::number(ready.server.resident_mb()?, 0),
        Cell::text(row.wanted(&ready.program.name)),
    ])
}

fn notes(table: &mut Table, servers: &[Ready], rounds: u32, seconds: u32) {
    for ready in servers {
        table.note(format!("{}: `{}`", ready.program.name, ready.program.shown));
    }
    table.note(format!(
        "loaded by `wrk -t1 -c64 -d{seconds}s --latency` (register: `-c128`) on the same cores, medians of {rounds} round(s); \
         each registration is of an email of its own"
    ));
    table.note("the rate limiter is off in all of them; synchronous=FULL; each logs every request to a file, as by default, but hello, which has no log");
    table.note("every answer was as expected, and as many seats were taken as registrations were acknowledged");
}

/// The middle one of them.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
