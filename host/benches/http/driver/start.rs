//! How long it takes from the start of the process to its first answer.

use boxoffice::clock::Stopwatch;

use super::Bench;
use super::program::Program;
use super::report::{Cell, Table};
use super::rows::median;
use super::server::{Folder, Server};

/// Starts of each kind; fewer with `--quick`.
const STARTS: usize = 7;
const STARTS_QUICK: usize = 3;

pub(super) async fn measure(bench: &Bench) -> Result<Table, String> {
    let starts = if bench.options.quick { STARTS_QUICK } else { STARTS };
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for n in 0..starts {
        bench.progress.say(format!("starts, {} of {starts}", n + 1));
        // Its cache is beside the database: empty at first, and then not.
        let folder = Folder::fresh(bench)?;
        let (millis, folder) = first_answer(folder).await?;
        cold.push(millis);
        warm.push(first_answer(folder).await?.0);
    }
    let mut table = Table::new("start", "From the start to the first answer", &["", "ms", "wanted"]);
    table.line([Cell::text("module compiled before"), Cell::number(median(warm), 0), Cell::text("100, better 30")]);
    table.line([Cell::text("nothing kept"), Cell::number(median(cold), 0), Cell::text("1,000, better 300")]);
    table.note(format!("`{}`, then GET /events until it is answered; medians of {starts}", Program::usual().shown));
    Ok(table)
}

async fn first_answer(folder: Folder) -> Result<(f64, Folder), String> {
    let watch = Stopwatch::start();
    let server = Server::start_in(&Program::usual(), folder).await?;
    let millis = watch.elapsed().as_secs_f64() * 1e3;
    Ok((millis, server.stop().await?))
}
