//! `boxoffice rules test FILE`

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytesize::ByteSize;
use indicatif::ProgressBar;
use serde_json::json;
use tempfile::TempDir;

use super::ending::Ending;
use super::terminal::{plain, steps, table};
use super::{here, tell};
use crate::config::{CacheDir, Serve, Test};
use crate::conformance::{Outcome, Plan, Report, Verdict, names, run};
use crate::wasm::{Artifact, Engine, LoadError, LoadRefusal, Loader, Module};

/// The command line is wrong.
const USAGE: u8 = 2;
/// Requests that one instance serves where it is tried what it remembers.
const REUSE: u32 = 64;
/// How long all checks may take together: many times what a module needs that does nothing slowly.
const TOTAL: Duration = Duration::from_mins(30);

/// Why nothing was tried.
enum Refused {
    /// The command line.
    Usage(String),
    /// The module.
    Module(LoadError),
    /// The throw-away host.
    Host(String),
    /// Somebody did not want to wait.
    Ended,
    /// It took too long.
    Late,
}

impl From<LoadError> for Refused {
    fn from(error: LoadError) -> Self {
        Self::Module(error)
    }
}

/// Runs the conformance suite against a module, and tells what came of it.
pub(super) async fn test(settings: &Test) -> ExitCode {
    let progress = steps("compiling and checking");
    let done = tried(settings, progress.as_ref()).await;
    if let Some(progress) = progress {
        progress.finish_and_clear();
    }
    let (told, passed) = match done {
        Ok(report) if settings.json => (tell(&json!(report).to_string()), report.passed),
        Ok(report) => (tell(&for_people(&report)), report.passed),
        Err(Refused::Usage(why)) => {
            if !settings.json {
                eprintln!("boxoffice: {why}");
                return ExitCode::from(USAGE);
            }
            // Whoever closed stdout does not want to know.
            let _ = refuse(settings, "usage", &why, "see boxoffice rules test --help");
            return ExitCode::from(USAGE);
        }
        Err(Refused::Ended) if !settings.json => {
            eprintln!("boxoffice: ended before all was tried");
            return ExitCode::FAILURE;
        }
        Err(Refused::Late) => {
            let why = format!("not all was tried within {}", humantime::format_duration(TOTAL));
            refuse(settings, "too-slow", &why, "see which requests take long, or try some of it with --only")
        }
        Err(Refused::Ended) => refuse(settings, "ended", "ended before all was tried", "start it again"),
        Err(Refused::Module(error)) => {
            refuse(settings, error.refusal.name(), &error.to_string(), error.refusal.advice())
        }
        Err(Refused::Host(why)) => {
            refuse(settings, "no-host", &why, "see that there is room for a folder of temporary files (TMPDIR)")
        }
    };
    // Whoever closed stdout does not want to know.
    if passed && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tells why nothing was tried.
fn refuse(settings: &Test, name: &str, message: &str, advice: &str) -> (std::io::Result<()>, bool) {
    if settings.json {
        let refused = json!({"passed": false, "refusal": name, "message": message, "advice": advice});
        return (tell(&refused.to_string()), false);
    }
    eprintln!("boxoffice: {}: refused: {name}: {message}\n  what to do: {advice}", settings.file.display());
    (Ok(()), false)
}

async fn tried(settings: &Test, progress: Option<&ProgressBar>) -> Result<Report, Refused> {
    let known = names(settings.contract);
    if let Some(unknown) = settings.only.iter().find(|id| !known.contains(&id.as_str())) {
        let (contract, all) = (settings.contract.name(), known.join(", "));
        return Err(Refused::Usage(format!(
            "--only {unknown}: no check of --contract {contract} has this name; there are {all}"
        )));
    }
    let mut ending = Ending::listen().map_err(|error| Refused::Host(format!("no signals: {error}")))?;
    let [module, reused] = tokio::select! {
        loaded = load(settings) => loaded?,
        () = ending.asked_for() => return Err(Refused::Ended),
    };
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
    let progress = progress.cloned();
    let begins = move |check: &str| {
        if let Some(progress) = &progress {
            progress.set_message(check.to_owned());
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    // A task of its own: where the suite thinks for long, a signal is seen all the same.
    let mut running = tokio::spawn(run(plan, begins, Arc::clone(&stop)));
    let twice = async {
        ending.asked_for().await;
        stop.store(true, Ordering::Relaxed);
        ending.asked_for().await;
    };
    let ended = tokio::select! {
        ended = &mut running => Ok(ended),
        // Whoever asks twice means it.
        () = twice => Err(Refused::Ended),
        () = tokio::time::sleep(TOTAL) => Err(Refused::Late),
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(why) => {
            running.abort();
            // Its hosts go, and their folders with them.
            let _ = running.await;
            return Err(why);
        }
    };
    let done = ended.map_err(|error| Refused::Host(format!("the suite itself failed, report it: {error}")))?;
    match done {
        Ok(Some(report)) => Ok(report),
        Ok(None) => Err(Refused::Ended),
        // A host that cannot be had any more because everything ends is no finding.
        Err(_) if stop.load(Ordering::Relaxed) => Err(Refused::Ended),
        Err(why) => Err(Refused::Host(why)),
    }
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
    if report.untried {
        let _ = writeln!(
            text,
            "\nNothing was tried: no request was found that the module answers with success. Describe in the manifest what its routes \
             take (schemas, examples)."
        );
    }
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
