//! `boxoffice rules test`: whether a module keeps the promises, tried on a whole host that goes when it is done.
//!
//! | file | what |
//! |---|---|
//! | `bench`, `client` | the throw-away host of one check, and what is sent to it |
//! | `schema`, `recipe` | valid requests, made from the manifest alone |
//! | `case` | one check while it runs, and its verdict |
//! | `catalogue` | all checks, as data |
//! | `every` | what holds for every module |
//! | `standard`, `bookings` | what a module keeps that claims a contract |
//! | `report` | what is told |
//!
//! Each check has a host of its own, whose clock stands still and whose ids repeat themselves: a run of the suite depends on the module and
//! the seed alone. Rows that a check only needs are made in the store, so that a check fails for what it is about and for nothing else.

mod bench;
mod bookings;
mod case;
mod catalogue;
mod client;
mod every;
mod recipe;
mod report;
mod schema;
mod standard;

use std::any::Any;
use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bench::{Bench, Said, Stop, Talk};
use case::{Case, Check};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use recipe::Recipes;

use crate::clock::Stopwatch;
use crate::config::{Contract, Serve};
use crate::wasm::Module;

pub(crate) use case::{Outcome, Verdict};
pub(crate) use report::Report;

/// How long one check may take; the slowest have a thousand requests.
const BUDGET: Duration = Duration::from_mins(2);
/// Checks of a contract at the same time: they wait more than they work.
const TOGETHER: usize = 4;
/// Bytes of what was said that are kept for the checks that look at all of it; beyond that, a request is only judged by its own check.
const MAX_JOURNAL: usize = 256 * 1024 * 1024;

/// What is to be tried.
pub(crate) struct Plan {
    /// Limits of the rules.
    pub(crate) settings: Serve,
    pub(crate) contract: Contract,
    /// Where everything random comes from.
    pub(crate) seed: u64,
    /// Ids of checks; none: all.
    pub(crate) only: Vec<String>,
    /// A fresh instance for each request.
    pub(crate) module: Arc<Module>,
    /// The same module, its instances used again.
    pub(crate) reused: Arc<Module>,
}

/// What the checks of one run share.
struct Suite {
    settings: Serve,
    seed: u64,
    module: Arc<Module>,
    reused: Arc<Module>,
    recipes: Recipes,
    journal: Mutex<Journal>,
}

/// All that was said so far, for the checks that look at everything.
#[derive(Default)]
struct Journal {
    talks: Vec<Arc<Talk>>,
    bytes: usize,
    dropped: usize,
}

impl Suite {
    fn keep(&self, said: Said) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.dropped += said.dropped;
        for talk in said.talks {
            let bytes = talk.weight();
            if journal.bytes + bytes > MAX_JOURNAL {
                journal.dropped += 1;
                continue;
            }
            journal.bytes += bytes;
            journal.talks.push(Arc::new(talk));
        }
    }

    /// All that was said, and how much more there was.
    fn said(&self) -> (Vec<Arc<Talk>>, usize) {
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        (journal.talks.clone(), journal.dropped)
    }
}

/// Names of checks, for whoever asks for one that there is not.
pub(crate) fn names(contract: Contract) -> Vec<&'static str> {
    catalogue::checks(contract).iter().map(|check| check.id).collect()
}

/// Runs the checks of the contract, and tells each that begins; `None`: `stop` was set meanwhile, and no more checks were begun.
///
/// # Errors
/// The throw-away host cannot be had: one line.
pub(crate) async fn run(
    plan: Plan,
    begins: impl Fn(&str) + Send + Sync,
    stop: Arc<AtomicBool>,
) -> Result<Option<Report>, String> {
    let watch = Stopwatch::start();
    let Plan { settings, contract, seed, only, module, reused } = plan;
    let told = |Stop(why): Stop| why;
    begins("looking for a way to each route");
    let mut bench = Bench::start(&settings, &module, seed, "reach").await.map_err(told)?;
    let recipes = Recipes::find(&module, &mut bench).await.map_err(told)?;
    let journal = Mutex::default();
    let suite = Arc::new(Suite { settings, seed, module, reused, recipes, journal });
    suite.keep(bench.stop().await);
    let checks = catalogue::checks(contract);
    let wanted = |check: &&Check| only.is_empty() || only.iter().any(|id| id == check.id);
    let numbered = checks.into_iter().enumerate().filter(|(_, check)| wanted(check));
    let (all, own): (Vec<_>, Vec<_>) =
        numbered.partition(|(_, check)| every::CHECKS.iter().any(|other| other.id == check.id));
    let mut verdicts = Vec::new();
    // Those of a contract have nothing to do with each other. The others look at what was said before, and at what it cost.
    for (checks, together) in [(own, TOGETHER), (all, 1)] {
        // What has begun is finished, and leaves no folder behind.
        let checks =
            stream::iter(checks).take_while(|_: &(usize, &'static Check)| ready(!stop.load(Ordering::Relaxed)));
        let runs = checks.map(|(place, check): (usize, &'static Check)| {
            begins(check.id);
            one(Arc::clone(&suite), check, place).boxed()
        });
        let mut runs = runs.buffered(together).boxed();
        while let Some(ended) = runs.next().await {
            let (talks, verdict) = ended.map_err(told)?;
            suite.keep(talks);
            verdicts.push(verdict);
        }
    }
    let report = Report::of(&suite, contract, verdicts, watch.elapsed());
    Ok(Some(report).filter(|_| !stop.load(Ordering::Relaxed)))
}

async fn one(suite: Arc<Suite>, check: &'static Check, place: usize) -> Result<(Said, Verdict), Stop> {
    let seed = suite.seed.wrapping_add(2 * (place as u64 + 1));
    let bench = Bench::start(&suite.settings, &suite.module, seed, check.id).await?;
    let mut case = Case::new(suite, bench, check);
    // What a module makes of the suite's own mistakes is a verdict too: the other checks go on.
    let trying = AssertUnwindSafe((check.run)(&mut case)).catch_unwind();
    let ended = match tokio::time::timeout(BUDGET, trying).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(panic)) => Err(Stop(format!("the suite itself panicked, report it: {}", message(&*panic)))),
        Err(_) => Err(Stop(format!("the check was not done within {}", humantime::format_duration(BUDGET)))),
    };
    Ok(case.end(ended).await)
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}
