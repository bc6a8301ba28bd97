//! What came of the suite.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::Suite;
use super::case::{Outcome, Verdict};
use super::every::{Usage, usage};
use crate::config::Contract;
use crate::wasm::Limits;

/// All of it, for people and for scripts.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Whether nothing failed, and something was tried.
    pub(crate) passed: bool,
    /// Whether nothing could be tried at all.
    pub(crate) untried: bool,
    pub(crate) module: Tested,
    pub(crate) contract: &'static str,
    /// Makes the same run again.
    pub(crate) seed: u64,
    pub(crate) totals: Totals,
    pub(crate) checks: Vec<Verdict>,
    /// What each route used at the most.
    pub(crate) usage: Vec<Usage>,
    pub(crate) limits: Limits,
    pub(crate) took_ms: u64,
}

/// Which module it was.
#[derive(Debug, Serialize)]
pub(crate) struct Tested {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) digest: String,
    pub(crate) routes: usize,
    /// Routes that no request could be made for.
    pub(crate) unreached: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    /// Things that were looked at.
    pub(crate) cases: u64,
    /// Things that were not, for a reason.
    pub(crate) skips: usize,
    pub(crate) warnings: usize,
    /// Requests that were sent.
    pub(crate) requests: usize,
}

impl Report {
    pub(super) fn of(suite: &Suite, contract: Contract, checks: Vec<Verdict>, took: Duration) -> Self {
        let (talks, dropped) = suite.said();
        let mut outcomes: BTreeMap<u8, usize> = BTreeMap::new();
        for verdict in &checks {
            *outcomes.entry(verdict.outcome as u8).or_default() += 1;
        }
        let count = |outcome: Outcome| outcomes.get(&(outcome as u8)).copied().unwrap_or(0);
        let totals = Totals {
            passed: count(Outcome::Passed),
            failed: count(Outcome::Failed),
            skipped: count(Outcome::Skipped),
            cases: checks.iter().map(|verdict| u64::from(verdict.cases)).sum(),
            skips: checks.iter().map(|verdict| verdict.skipped.len()).sum(),
            warnings: checks.iter().map(|verdict| verdict.warnings.len()).sum(),
            requests: talks.len() + dropped,
        };
        let (manifest, recipes) = (&suite.module.manifest, &suite.recipes);
        let unreached = recipes.unreached.iter().map(|(id, _)| id).chain(&recipes.unmade).cloned().collect();
        let untried = totals.passed + totals.failed == 0 || recipes.known.is_empty();
        Self {
            passed: totals.failed == 0 && !untried,
            untried,
            module: Tested {
                name: manifest.name.clone(),
                version: manifest.version.clone(),
                digest: suite.module.digest.to_string(),
                routes: manifest.routes.len(),
                unreached,
            },
            contract: contract.name(),
            seed: suite.seed,
            totals,
            checks,
            usage: usage(&talks),
            limits: *suite.module.limits(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}
