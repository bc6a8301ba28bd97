//! `boxoffice rules test FILE`

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use bytesize::ByteSize;
use indicatif::ProgressBar;
use serde_json::json;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use super::terminal::{plain, steps, table};
use super::{here, tell};
use crate::config::{CacheDir, Serve, Test};
use crate::conformance::{Outcome, Plan, Report, Verdict, names, run};
use crate::wasm::{Artifact, Engine, LoadError, LoadRefusal, Loader, Module};

/// The command line is wrong.
const USAGE: u8 = 2;
/// Requests that one instance serves where it is tried what it remembers.
const REUSE: u32 = 64;

/// Why nothing was tried.
enum Refused {
    /// The command line.
    Usage(String),
    /// The module.
    Module(LoadError),
    /// The throw-away host.
    Host(String),
}

impl From<LoadError> for Refused {
    fn from(error: LoadError) -> Self {
        Self::Module(error)
    }
}

/// Runs the conformance suite against a module, and tells what came of it.
pub(super) async fn test(settings: &Test) -> ExitCode {
    let progress = steps("compiling and checking");
    // Whoever ends it early leaves no folder behind: what is dropped here removes its own.
    let done = tokio::select! {
        done = tried(settings, progress.as_ref()) => done,
        () = ended() => Err(Refused::Host("it was ended before it was done".to_owned())),
    };
    if let Some(progress) = progress {
        progress.finish_and_clear();
    }
    let file = settings.file.display();
    let (told, passed) = match done {
        Ok(report) if settings.json => (tell(&json!(report).to_string()), report.passed),
        Ok(report) => (tell(&for_people(&report)), report.passed),
        Err(Refused::Usage(why)) => {
            eprintln!("boxoffice: {why}");
            return ExitCode::from(USAGE);
        }
        Err(refused) => {
            let (name, message, advice) = match &refused {
                Refused::Module(error) => (error.refusal.name(), error.to_string(), error.refusal.advice()),
                Refused::Usage(why) | Refused::Host(why) => {
                    ("no-host", why.clone(), "see the message, and that there is room for a folder in TMPDIR")
                }
            };
            if settings.json {
                (
                    tell(&json!({"passed": false, "refusal": name, "message": message, "advice": advice}).to_string()),
                    false,
                )
            } else {
                eprintln!("boxoffice: {file}: refused: {name}: {message}\n  what to do: {advice}");
                (Ok(()), false)
            }
        }
    };
    // Whoever closed stdout does not want to know.
    if passed && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Comes back when the process is asked to end.
async fn ended() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

async fn tried(settings: &Test, progress: Option<&ProgressBar>) -> Result<Report, Refused> {
    let known = names(settings.contract);
    if let Some(unknown) = settings.only.iter().find(|id| !known.contains(&id.as_str())) {
        let (contract, all) = (settings.contract.name(), known.join(", "));
        return Err(Refused::Usage(format!(
            "--only {unknown}: no check of --contract {contract} has this name; there are {all}"
        )));
    }
    let [module, reused] = load(settings).await?;
    let mut serve = Serve::defaults();
    (serve.limits, serve.compiling) = (settings.limits.clone(), settings.compiling.clone());
    let plan = Plan {
        settings: serve,
        contract: settings.contract,
        seed: settings.seed,
        only: settings.only.clone(),
        module: Arc::new(module),
        reused: Arc::new(reused),
    };
    let begins = |check: &str| {
        if let Some(progress) = progress {
            progress.set_message(check.to_owned());
        }
    };
    run(plan, begins).await.map_err(Refused::Host)
}

/// The module, compiled once and loaded twice: into an engine with a fresh instance for each request, and into one where instances serve
/// again.
async fn load(settings: &Test) -> Result<[Module; 2], LoadError> {
    let unavailable = |why: String| LoadError::new(LoadRefusal::Unavailable, why);
    let trust = settings.trusting.trust().map_err(|error| unavailable(format!("--rules-trust {error}")))?;
    let mut compiling = settings.compiling.clone();
    // Between the two loads the code is kept, and no longer unless a folder is named.
    let folder = match &compiling.cache_dir {
        Some(CacheDir::At(_)) => None,
        Some(CacheDir::Off) | None => {
            let folder = TempDir::with_prefix("boxoffice-")
                .map_err(|error| unavailable(format!("no temporary folder: {error}")))?;
            compiling.cache_dir = Some(CacheDir::At(folder.path().join("cache")));
            Some(folder)
        }
    };
    let artifact = Artifact::read(&settings.file).await?;
    let mut limits = settings.limits.limits();
    let mut modules = Vec::new();
    for reuse in [1, limits.reuse.max(REUSE)] {
        limits.reuse = reuse;
        let engine = Engine::telling_lines(limits, &here())
            .map_err(|error| unavailable(format!("the sandbox cannot be set up: {error:#}")))?;
        let loader = Loader::new(Arc::new(engine), compiling.compiler()).trusting(trust.clone());
        modules.push(loader.load(artifact.clone()).await?);
    }
    drop(folder);
    modules.try_into().map_err(|_| unavailable("it was not loaded".to_owned()))
}

/// What stands before a check.
fn mark(outcome: Outcome, coloured: bool) -> &'static str {
    match (outcome, coloured) {
        (Outcome::Passed, true) => "\x1b[32m✓\x1b[0m",
        (Outcome::Passed, false) => "✓",
        (Outcome::Failed, true) => "\x1b[31m✗\x1b[0m",
        (Outcome::Failed, false) => "✗",
        (Outcome::Skipped, true) => "\x1b[33m–\x1b[0m",
        (Outcome::Skipped, false) => "–",
    }
}

fn for_people(report: &Report) -> String {
    let coloured = std::io::stdout().is_terminal();
    let (module, totals) = (&report.module, &report.totals);
    let mut text = format!(
        "{} {} ({}), contract {}, seed {}\n",
        module.name,
        module.version,
        module.digest.get(..12).unwrap_or_default(),
        report.contract,
        report.seed
    );
    let mut group = "";
    for verdict in &report.checks {
        if verdict.group != group {
            group = verdict.group;
            // Writing to a text cannot fail.
            let _ = write!(text, "\n{group}\n");
        }
        write_check(&mut text, verdict, coloured);
    }
    let mut used = table();
    used.set_header(["route", "requests", "CPU", "memory", "host calls", "their bytes", "answer"]);
    let size = |bytes: usize| ByteSize(bytes as u64).to_string();
    for usage in &report.usage {
        let cpu = format!("{} us", usage.cpu_us);
        let (runs, calls) = (usage.runs.to_string(), usage.host_calls.to_string());
        used.add_row([
            usage.route.clone(),
            runs,
            cpu,
            size(usage.memory_bytes),
            calls,
            size(usage.host_bytes),
            size(usage.answer_bytes),
        ]);
    }
    let limits = &report.limits;
    used.add_row([
        "(limit)".to_owned(),
        String::new(),
        format!("{} us", limits.cpu.as_micros()),
        size(limits.memory),
        limits.host_calls.to_string(),
        size(limits.host_bytes),
        size(limits.answer_bytes),
    ]);
    let _ = write!(text, "\nAt the most, each route used\n{}\n", used.trim_fmt());
    let _ = write!(
        text,
        "\n{} passed, {} failed, {} skipped; {} requests, {} things looked at, {} skipped, {} warnings; {} ms",
        totals.passed,
        totals.failed,
        totals.skipped,
        totals.requests,
        totals.cases,
        totals.skips,
        totals.warnings,
        report.took_ms
    );
    text
}

fn write_check(text: &mut String, verdict: &Verdict, coloured: bool) {
    let mark = mark(verdict.outcome, coloured);
    let _ = writeln!(text, "  {mark} {:<24} {} ({})", verdict.id, verdict.promise, verdict.cases);
    for broken in &verdict.failures {
        let _ = writeln!(text, "      expected  {}", plain(&broken.expected));
        let _ = writeln!(text, "      seen      {}", plain(&broken.seen));
        if !broken.request.is_empty() {
            let _ = writeln!(text, "      request   {}", plain(&broken.request));
        }
    }
    let more = verdict.failed as usize - verdict.failures.len();
    if more > 0 {
        let _ = writeln!(text, "      and {more} more");
    }
    if verdict.failed > 0 {
        let _ = writeln!(text, "      what to do: {}", verdict.advice);
    }
    for why in &verdict.skipped {
        let _ = writeln!(text, "      skipped   {}", plain(why));
    }
    for what in &verdict.warnings {
        let _ = writeln!(text, "      warning   {}", plain(what));
    }
}
