//! What a shadow has found so far, bounded.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// Counts.
pub(super) struct Tally {
    identical: AtomicU64,
    dropped: AtomicU64,
    skipped: AtomicU64,
    /// Only for the shadow and whoever asks for a report: clients never wait for the lowest priority.
    differences: Mutex<Differences>,
    /// The same, for the metrics.
    outcomes: Outcomes,
}

#[derive(Default)]
struct Differences {
    /// Bounded by the routes of two modules.
    by_route: BTreeMap<(Option<String>, Kind), u64>,
    examples: Vec<Example>,
}

impl Differences {
    /// Whether another example like this is kept.
    fn wants(&self, alike: &(Option<String>, Kind)) -> bool {
        self.examples.len() < MAX_EXAMPLES && self.by_route.get(alike).is_none_or(|count| *count < MAX_ALIKE)
    }
}

impl Tally {
    pub(super) fn new(outcomes: Outcomes) -> Self {
        let (identical, dropped, skipped) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { identical, dropped, skipped, differences: Mutex::default(), outcomes }
    }

    pub(super) fn identical(&self) {
        self.identical.fetch_add(1, Ordering::Relaxed);
        self.outcomes.count("identical");
    }

    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.outcomes.count("dropped");
    }

    pub(super) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
        self.outcomes.count("skipped");
    }

    /// Counts a difference, and keeps the example if it is one of the first.
    pub(super) fn differs(&self, route: Option<&str>, kind: Kind, example: impl FnOnce(Option<&str>) -> Example) {
        let alike = (route.map(str::to_owned), kind);
        let wanted = self.lock().wants(&alike);
        // Made without the lock; counted together with it.
        let example = wanted.then(|| example(route));
        let mut differences = self.lock();
        // Two at a time can be compared.
        let wanted = differences.wants(&alike);
        differences.examples.extend(example.filter(|_| wanted));
        *differences.by_route.entry(alike).or_default() += 1;
        drop(differences);
        self.outcomes.count("divergent");
    }

    pub(super) fn report(&self) -> ShadowReport {
        let differences = self.lock();
        let by_route: Vec<_> = differences
            .by_route
            .iter()
            .map(|((route, kind), count)| RouteCount { route: route.clone(), kind: *kind, count: *count })
            .collect();
        let examples = differences.examples.clone();
        drop(differences);
        let identical = self.identical.load(Ordering::Relaxed);
        let divergent = by_route.iter().map(|route| route.count).sum();
        ShadowReport {
            compared: identical + divergent,
            identical,
            divergent,
            dropped: self.dropped.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            by_route,
            examples,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Differences> {
        self.differences.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
