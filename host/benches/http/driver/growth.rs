//! What many tickets cost: the same load on an empty database, and on grown ones.

use std::path::PathBuf;

use super::Bench;
use super::grown::{TICKETS_OF_ONE, event_id, grown, restore};
use super::pace::registrations;
use super::program::Program;
use super::report::{Cell, Table};
use super::rows::{PLENTY, median};
use super::server::{Folder, Server};
use super::wrk::{Load, Measured, Method};

/// The smallest grown database; each of the next has ten times as many.
const FIRST: u32 = 100_000;
/// Events that a load is spread over.
const SPREAD: u32 = 1000;
const CONNECTIONS: u32 = 128;
/// The grown tickets' audit trail is of one day: it is not to be forgotten while it is measured. And reads are to be read.
const KEEP: [&str; 4] = ["--audit-retention", "36500days", "--memo", "off"];

/// A server on a database of this size.
struct Sized {
    tickets: u32,
    server: Server,
    /// What it goes back to afterwards.
    folder: Option<PathBuf>,
    events: Vec<String>,
}

impl Sized {
    async fn start(bench: &Bench, tickets: u32) -> Result<Self, String> {
        let program = Program::boxoffice(&format!("{tickets} tickets"), &KEEP);
        if tickets == 0 {
            let server = Server::start(bench, &program).await?;
            let mut events = Vec::new();
            for n in 0..SPREAD {
                events.push(server.event(&format!("Event {n}"), PLENTY).await?);
            }
            return Ok(Self { tickets, server, folder: None, events });
        }
        let folder = grown(bench, tickets).await?;
        // What an interrupted run has left in it.
        restore(&folder, tickets)?;
        let server = Server::start_in(&program, Folder::Lasting(folder.clone())).await?;
        let all = tickets / TICKETS_OF_ONE;
        let events = (0..SPREAD.min(all)).map(|n| event_id(n * (all / SPREAD.min(all)))).collect();
        Ok(Self { tickets, server, folder: Some(folder), events })
    }

    async fn measure(&self, row: Row, run: &str, seconds: u32) -> Result<Measured, String> {
        let get =
            |paths| Load { method: Method::Get, paths, connections: 64, seconds, run: run.into(), refused: false };
        let each = |end: &str| self.events.iter().map(|id| format!("/events/{id}{end}")).collect();
        match row {
            Row::Register => registrations(&self.server, CONNECTIONS, seconds).await,
            Row::Spread => {
                let load = Load { method: Method::Register, connections: CONNECTIONS, ..get(each("/register")) };
                load.run(&self.server).await
            }
            Row::One => get(each("")).run(&self.server).await,
            Row::List => get(vec!["/events?limit=20".into()]).run(&self.server).await,
        }
    }

    async fn end(self) -> Result<(), String> {
        self.server.stop().await?;
        self.folder.map_or(Ok(()), |folder| restore(&folder, self.tickets))
    }
}

#[derive(Debug, Clone, Copy)]
enum Row {
    Register,
    Spread,
    One,
    List,
}

impl Row {
    const ALL: [Self; 4] = [Self::Register, Self::Spread, Self::One, Self::List];

    fn title(self) -> &'static str {
        match self {
            Self::Register => "register, one new event",
            Self::Spread => "register, 1,000 events in turn",
            Self::One => "GET /events/{id}, 1,000 in turn",
            Self::List => "GET /events?limit=20",
        }
    }
}

pub(super) async fn measure(bench: &Bench) -> Result<Table, String> {
    let sizes = std::iter::successors(Some(FIRST), |tickets| tickets.checked_mul(10));
    let sizes: Vec<u32> =
        [0].into_iter().chain(sizes.take_while(|tickets| *tickets <= bench.options.tickets)).collect();
    let mut servers = Vec::new();
    for tickets in sizes {
        servers.push(Sized::start(bench, tickets).await?);
    }
    let columns = ["", "tickets", "events", "requests/s", "of empty", "CPU µs each", "p99 ms", "wanted"];
    let mut table = Table::new("growth", "On grown databases", &columns);
    for row in Row::ALL {
        let mut times: Vec<Vec<Measured>> = vec![Vec::new(); servers.len()];
        for round in 0..bench.options.rounds() {
            for (server, times) in servers.iter().zip(&mut times) {
                bench.progress.say(format!("{}, round {}: {}", row.title(), round + 1, server.server.name()));
                times.push(server.measure(row, &format!("{row:?}{round}"), bench.options.seconds()).await?);
            }
        }
        for (server, measured) in servers.iter().zip(&times) {
            let ratios = measured.iter().zip(&times[0]).map(|(own, empty)| own.per_second() / empty.per_second());
            let wanted = matches!(row, Row::Register) && server.tickets == 10_000_000;
            table.line([
                Cell::text(row.title()),
                Cell::number(server.tickets.into(), 0),
                Cell::number(
                    (server.tickets / TICKETS_OF_ONE).max(if server.tickets == 0 { SPREAD } else { 0 }).into(),
                    0,
                ),
                Cell::number(median(measured.iter().map(Measured::per_second)), 0),
                Cell::number(median(ratios), 2),
                Cell::number(median(measured.iter().map(|it| it.cpu_us)), 1),
                Cell::number(median(measured.iter().map(|it| it.p99_ms)), 2),
                if wanted { Cell::text("0.85, better 0.95") } else { Cell::Nothing },
            ]);
        }
    }
    for server in servers {
        server.end().await?;
    }
    table.note(format!("`{}`", Program::boxoffice("", &KEEP).shown));
    table.note("of each 100 grown tickets 55 are confirmed, 40 ran out and 5 are held, with their entries in the audit trail; their invariants are proved when they are made");
    table.note("emails come in no order, so that a registration goes anywhere in their index");
    Ok(table)
}
