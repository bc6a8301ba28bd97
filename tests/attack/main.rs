//! `make attack`: carries out the attack suite against the program and prints what came of it.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use boxoffice::clock::Stopwatch;
use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use harness::attack::{Outcome, Plan};
use indicatif::{ProgressBar, ProgressStyle};

/// Attacks a throw-away boxoffice with modules of strangers, and says what came of it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only attacks whose name contains this
    #[arg(default_value = "")]
    filter: String,

    /// The program to attack; default: the one beside this
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,

    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,

    /// Flags for the program, after `--`
    #[arg(last = true)]
    flags: Vec<String>,
}

fn main() -> ExitCode {
    match attack(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("attack: {error}");
            ExitCode::from(2)
        }
    }
}

fn attack(arguments: Arguments) -> Result<bool, String> {
    let program = match arguments.program {
        Some(program) => std::path::absolute(program).map_err(|error| error.to_string())?,
        None => std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("boxoffice"),
    };
    if !program.is_file() {
        return Err(format!(
            "{} is not there; build it (cargo build --release), or name it with --program",
            program.display()
        ));
    }
    let plan = Plan { filter: arguments.filter, flags: arguments.flags, ..Plan::against(program) };
    let count = plan.count();
    if count == 0 {
        return Err(format!("no attack has {:?} in its name", plan.filter));
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    let (progress, watch) = (progress(count), Stopwatch::start());
    let outcomes = runtime.block_on(plan.carry_out(|outcome| {
        progress.set_message(outcome.attack.clone());
        progress.inc(1);
    }));
    progress.finish_and_clear();
    let contained = outcomes.iter().filter(|outcome| outcome.contained()).count();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&outcomes).map_err(|error| error.to_string())?);
        return Ok(contained == count);
    }
    println!("{}", table(&outcomes));
    for outcome in &outcomes {
        for fault in &outcome.faults {
            println!("NOT CONTAINED: {}: {fault}", outcome.attack);
        }
    }
    let innocents: usize = outcomes.iter().map(|outcome| outcome.innocents).sum();
    println!("{innocents} innocent requests beside them; {:.1} s in all", watch.elapsed().as_secs_f64());
    println!("{contained} of {count} attacks contained");
    Ok(contained == count)
}

/// Where a person is waiting, what it is at.
fn progress(count: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(count as u64);
    if let Ok(style) = ProgressStyle::with_template("{pos:>3} of {len} [{elapsed}] {wide_bar} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn table(outcomes: &[Outcome]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["attack", "by", "answer", "cause", "RSS peak", "RSS delta", "innocents' p99", "recovery"]);
    for outcome in outcomes {
        table.add_row([
            outcome.attack.clone(),
            outcome.attackers.to_string(),
            outcome.answer.clone(),
            outcome.cause.clone(),
            outcome.rss_peak.map_or_else(none, mebibytes),
            outcome.rss_delta.map_or_else(none, mebibytes),
            outcome.p99.map_or_else(none, millis),
            outcome.recovery.map_or_else(none, millis),
        ]);
    }
    for column in [1, 4, 5, 6, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn none() -> String {
    "-".to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn mebibytes(bytes: i64) -> String {
    format!("{:+.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn millis(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1000.0)
}
