//! How long a registration takes while the server does half of what it can.

use super::Bench;
use super::program::Program;
use super::report::{Cell, Table};
use super::rows::{PLENTY, sold_as_many};
use super::server::Server;
use super::wrk::{Load, Measured, Method};

/// Connections at which it does all that it can.
const MANY: u32 = 128;
/// Seconds of the measurement that counts; the others only look for it.
const SECONDS: u32 = 5;

pub(super) async fn measure(bench: &Bench) -> Result<Table, String> {
    let columns = ["", "connections", "requests/s", "of the most", "p50 ms", "p99 ms", "longest ms"];
    let mut table = Table::new("pace", "Registrations at half of the maximal rate", &columns);
    for program in [Program::native(), Program::usual()] {
        let server = Server::start(bench, &program).await?;
        bench.progress.say(format!("the pace of {}", program.name));
        let most = registrations(&server, MANY, bench.options.seconds()).await?;
        let mut few = 1;
        while few < MANY && registrations(&server, few, 1).await?.per_second() < most.per_second() / 2.0 {
            few *= 2;
        }
        let half = registrations(&server, few, SECONDS).await?;
        for (connections, measured) in [(MANY, &most), (few, &half)] {
            table.line([
                Cell::text(&program.name),
                Cell::number(connections.into(), 0),
                Cell::number(measured.per_second(), 0),
                Cell::number(measured.per_second() / most.per_second(), 2),
                Cell::number(measured.p50_ms, 2),
                Cell::number(measured.p99_ms, 2),
                Cell::number(measured.max_ms, 1),
            ]);
        }
        server.stop().await?;
    }
    table.note("wrk has no rate to set: these are as few connections as reach half of the rate that 128 do, each asking again as soon as it is answered");
    table.note("wanted at half of the rate: p99 of 10 ms, better 5 ms");
    Ok(table)
}

/// A sale of its own for each, so that none is sold out.
pub(super) async fn registrations(server: &Server, connections: u32, seconds: u32) -> Result<Measured, String> {
    let sale = server.event("Sale", PLENTY).await?;
    let paths = vec![format!("/events/{sale}/register")];
    let load = Load { method: Method::Register, paths, connections, seconds, run: sale.clone(), refused: false };
    let measured = load.run(server).await?;
    sold_as_many(server, &sale, &measured, connections).await?;
    Ok(measured)
}
