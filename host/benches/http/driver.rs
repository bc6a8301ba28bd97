//! Starts the servers, loads them, and tells what came of it.

mod disk;
mod grown;
mod growth;
mod machine;
mod memory;
mod pace;
mod program;
mod progress;
mod report;
mod rows;
mod server;
mod start;
mod sweep;
mod wal;
mod wrk;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Parser;

use progress::Progress;
use report::Report;

/// Measures boxoffice beside bare HTTP and beside the same rules without a sandbox.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo bench --package boxoffice --bench http --")]
#[command(after_help = "Examples:
  cargo bench --package boxoffice --bench http -- --quick
  cargo bench --package boxoffice --bench http -- --only rows --rounds 5 --seconds 4
  cargo bench --package boxoffice --bench http -- --peer './peer' --peer-url http://127.0.0.1:8080")]
pub(crate) struct Options {
    /// One round and fewer rows: a minute
    #[arg(long)]
    quick: bool,
    /// Rounds, each of which measures every server; 1 with --quick
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Seconds of one measurement; 1 with --quick
    #[arg(long, default_value_t = 2)]
    seconds: u32,
    /// Only these parts: rows, pace, start, memory, growth, sweep, wal
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Another server of the same paths beside the others, in the rows: its command, started in an empty folder by a shell
    #[arg(long, value_name = "COMMAND", requires = "peer_url")]
    peer: Option<String>,
    /// Where that server listens
    #[arg(long, value_name = "URL", requires = "peer")]
    peer_url: Option<String>,
    /// Tickets of the largest grown database, made once in target/bench; 10,000,000 take 7 GB of disk
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    tickets: u32,
    /// Write all figures to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the tables to this file, as Markdown
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// What the micro-benchmarks printed, for the file of --results
    #[arg(long, value_name = "FILE")]
    micro: Option<PathBuf>,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Whether this part is measured. With `--quick`, only those that are quick.
    fn wants(&self, part: &str, quick: bool) -> bool {
        if self.only.is_empty() { quick || !self.quick } else { self.only.iter().any(|wanted| wanted == part) }
    }

    fn rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds.max(1) }
    }

    fn seconds(&self) -> u32 {
        if self.quick { 1 } else { self.seconds.max(1) }
    }
}

/// The parts there are, and whether they are quick.
const PARTS: [(&str, bool); 7] = [
    ("rows", true),
    ("pace", false),
    ("start", true),
    ("memory", true),
    ("growth", false),
    ("sweep", false),
    ("wal", false),
];

/// What every part has at hand.
pub(crate) struct Bench {
    options: Options,
    progress: Progress,
    /// Where servers have their folders: on the disk that the build is on, since a folder in memory is durable at no cost.
    folder: PathBuf,
}

/// Measures what the arguments say.
///
/// # Errors
/// A server that does not start or answers what it should not; wrk that is not there: one line.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<(), String> {
    let options = match Options::try_parse_from(arguments) {
        Ok(options) => options,
        Err(help) if !help.use_stderr() => {
            print!("{help}");
            return Ok(());
        }
        Err(wrong) => return Err(wrong.to_string()),
    };
    let names = PARTS.map(|(name, _)| name);
    if let Some(unknown) = options.only.iter().find(|part| !names.contains(&part.as_str())) {
        return Err(format!("--only {unknown}: there are {}", names.join(", ")));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let bench = Bench { options, progress: Progress::start(), folder };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let (report, ended) = runtime.block_on(async {
        let mut report = Report::of(machine::describe(&wrk::version().await?).await);
        let ended = measure(&bench, &mut report).await;
        Ok::<_, String>((report, ended))
    })?;
    bench.progress.end();
    // What was measured before something went wrong is still true; but it is not kept.
    report.print();
    ended?;
    report.keep(&bench.options)
}

async fn measure(bench: &Bench, report: &mut Report) -> Result<(), String> {
    report.add(disk::measure(bench)?);
    for (part, quick) in PARTS {
        if !bench.options.wants(part, quick) {
            continue;
        }
        report.add(match part {
            "rows" => rows::measure(bench).await?,
            "pace" => pace::measure(bench).await?,
            "start" => start::measure(bench).await?,
            "memory" => memory::measure(bench).await?,
            "growth" => growth::measure(bench).await?,
            "sweep" => sweep::measure(bench).await?,
            _ => wal::measure(bench).await?,
        });
    }
    Ok(())
}
