//! What a shadow has found so far, bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::example::{Example, Kind};
use crate::metrics::Outcomes;

/// Most examples that are kept.
const MAX_EXAMPLES: usize = 32;
/// Most of them of one route and one kind: the others are likely the same again.
const MAX_ALIKE: u64 = 3;

/// What a shadow has found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShadowReport {
    /// Requests that both have answered.
    pub compared: u64,
    /// Of these: without a difference.
    pub identical: u64,
    /// Of these: with one.
    pub divergent: u64,
    /// Requests that the shadow had no room or no time for.
    pub dropped: u64,
    /// Requests whose answer had nothing to do with the module: overload, a failure of the store.
    pub skipped: u64,
    /// The divergent ones, by route and kind.
    pub by_route: Vec<RouteCount>,
    /// The first ones: at most 32, and 3 of one route and kind.
    pub examples: Vec<Example>,
}

/// Differences of one kind on one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteCount {
    /// The route's id; `None`: neither module has one.
    pub route: Option<String>,
    /// In what they differ.
    pub kind: Kind,
    /// How often.
    pub count: u64,
}

impl Counts {
    /// Whether another example like this is kept.
    fn wants(&self, alike: &(Option<String>, Kind)) -> bool {
        self.examples.len() < MAX_EXAMPLES && self.by_route.get(alike).is_none_or(|count| *count < MAX_ALIKE)
    }
}

/// Counts.
pub(super) struct Tally {
    counts: Mutex<Counts>,
    /// The same, for the metrics.
    outcomes: Outcomes,
}

#[derive(Default)]
struct Counts {
    identical: u64,
    divergent: u64,
    dropped: u64,
    skipped: u64,
    /// Bounded by the routes of two modules.
    by_route: BTreeMap<(Option<String>, Kind), u64>,
    examples: Vec<Example>,
}

impl Tally {
    pub(super) fn new(outcomes: Outcomes) -> Self {
        Self { counts: Mutex::default(), outcomes }
    }

    pub(super) fn identical(&self) {
        self.lock().identical += 1;
        self.outcomes.count("identical");
    }

    pub(super) fn dropped(&self) {
        self.lock().dropped += 1;
        self.outcomes.count("dropped");
    }

    pub(super) fn skipped(&self) {
        self.lock().skipped += 1;
        self.outcomes.count("skipped");
    }

    /// Counts a difference, and keeps the example if it is one of the first.
    pub(super) fn differs(&self, route: Option<&str>, kind: Kind, example: impl FnOnce(Option<&str>) -> Example) {
        let alike = (route.map(str::to_owned), kind);
        let wanted = self.lock().wants(&alike);
        // Made without the lock, which requests take, too; counted together with it.
        let example = wanted.then(|| example(route));
        let mut counts = self.lock();
        // Two at a time can be compared.
        let wanted = counts.wants(&alike);
        counts.examples.extend(example.filter(|_| wanted));
        counts.divergent += 1;
        *counts.by_route.entry(alike).or_default() += 1;
        drop(counts);
        self.outcomes.count("divergent");
    }

    pub(super) fn report(&self) -> ShadowReport {
        let counts = self.lock();
        let by_route = counts.by_route.iter().map(|((route, kind), count)| RouteCount {
            route: route.clone(),
            kind: *kind,
            count: *count,
        });
        ShadowReport {
            compared: counts.identical + counts.divergent,
            identical: counts.identical,
            divergent: counts.divergent,
            dropped: counts.dropped,
            skipped: counts.skipped,
            by_route: by_route.collect(),
            examples: counts.examples.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
