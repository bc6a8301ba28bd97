//! What is counted by module and route.
//!
//! A request costs one look at a list of few modules, one into the module's table of routes, and no allocation: 40 ns, and 85 ns while two
//! threads do nothing else. Invariant: the series are those of the manifests of modules that were announced; a request cannot make one.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;

use crate::wasm::{Cause, Module};

/// Most modules that have series: those with a role, the five that are kept for a rollback, and one more. Beyond it the one goes that has
/// had no role for the longest time.
const MAX_MODULES: usize = 8;
/// Most statuses of one route. Honest routes have a dozen; a module can answer with four hundred.
const MAX_STATUSES: usize = 24;
/// The label of what has no module or no route.
const NONE: &str = "-";
/// Upper bounds of a request's time, in seconds: from a read out of memory to what has used up its time.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// What a module does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It answers.
    Active,
    /// It answers some callers.
    Canary,
    /// It answers nobody, and is compared.
    Shadow,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canary => "canary",
            Self::Shadow => "shadow",
        }
    }
}

/// A request that is over.
pub(crate) struct Seen<'a> {
    /// The module's shortened digest.
    pub(crate) module: &'a str,
    /// The route's id, if there is a route.
    pub(crate) route: Option<&'a str>,
    /// The answer's status; 499 if there was no answer.
    pub(crate) status: u16,
    /// From its head to its answer.
    pub(crate) took: Duration,
    /// CPU time of the guest.
    pub(crate) guest_micros: u64,
    /// Time of its host calls, waiting included.
    pub(crate) host_call_micros: u64,
    /// Its host calls.
    pub(crate) host_calls: u32,
}

/// What is counted of one route of one module.
#[derive(Debug)]
struct Series {
    /// Requests by status, in the order in which they first came.
    statuses: Mutex<Vec<(u16, u64)>>,
    /// Those whose status found no place.
    other: AtomicU64,
    duration: Histogram,
    guest_micros: AtomicU64,
    host_call_micros: AtomicU64,
    host_calls: AtomicU64,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            statuses: Mutex::default(),
            other: AtomicU64::new(0),
            duration: Histogram::new(SECONDS),
            guest_micros: AtomicU64::new(0),
            host_call_micros: AtomicU64::new(0),
            host_calls: AtomicU64::new(0),
        }
    }
}

impl Series {
    fn count(&self, seen: &Seen<'_>) {
        self.count_status(seen.status);
        self.duration.observe(seen.took.as_secs_f64());
        self.guest_micros.fetch_add(seen.guest_micros, Ordering::Relaxed);
        self.host_call_micros.fetch_add(seen.host_call_micros, Ordering::Relaxed);
        self.host_calls.fetch_add(seen.host_calls.into(), Ordering::Relaxed);
    }

    fn count_status(&self, status: u16) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = statuses.iter_mut().find(|(known, _)| *known == status) {
            *count += 1;
        } else if statuses.len() < MAX_STATUSES {
            statuses.push((status, 1));
        } else {
            self.other.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests by status, as labels.
    fn by_status(&self) -> Vec<(String, u64)> {
        let statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut told: Vec<_> = statuses.into_iter().map(|(status, count)| (status.to_string(), count)).collect();
        let other = self.other.load(Ordering::Relaxed);
        told.extend((other > 0).then(|| ("other".to_owned(), other)));
        told
    }

    fn is_unused(&self) -> bool {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// What is counted of one module.
#[derive(Debug)]
struct Counted {
    digest: Arc<str>,
    name: String,
    version: String,
    /// Made once: the routes of its manifest, in its order.
    routes: Vec<(String, Series)>,
    places: HashMap<String, usize>,
    nowhere: Series,
    failures: [AtomicU64; Cause::ALL.len()],
}

impl Counted {
    fn new(digest: Arc<str>, name: &str, version: &str, routes: impl Iterator<Item = String>) -> Self {
        let routes: Vec<_> = routes.map(|id| (id, Series::default())).collect();
        let places = routes.iter().enumerate().map(|(place, (id, _))| (id.clone(), place)).collect();
        let (name, version) = (name.to_owned(), version.to_owned());
        let (nowhere, failures) = (Series::default(), Default::default());
        Self { digest, name, version, routes, places, nowhere, failures }
    }

    fn of(module: &Module) -> Self {
        let manifest = &module.manifest;
        let routes = manifest.routes.iter().map(|route| route.id.clone());
        Self::new(Arc::clone(module.short_digest()), &manifest.name, &manifest.version, routes)
    }

    fn series(&self, route: Option<&str>) -> &Series {
        let place = route.and_then(|route| self.places.get(route));
        place.and_then(|place| self.routes.get(*place)).map_or(&self.nowhere, |(_, series)| series)
    }

    fn failed(&self, cause: Cause) {
        self.failures[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Routes that were asked, with their labels.
    fn asked(&self) -> impl Iterator<Item = ([(&'static str, &str); 2], &Series)> {
        let routes = self.routes.iter().map(|(id, series)| (id.as_str(), series));
        let all = routes.chain([(NONE, &self.nowhere)]).filter(|(_, series)| !series.is_unused());
        all.map(|(route, series)| ([("module", &*self.digest), ("route", route)], series))
    }
}

/// All modules that have series, those that were announced last at the end.
#[derive(Debug)]
pub(super) struct Modules {
    known: RwLock<Vec<(Arc<Counted>, Option<Role>)>>,
    /// Requests that met no module that is known.
    none: Arc<Counted>,
}

impl Default for Modules {
    fn default() -> Self {
        let none = Arc::new(Counted::new(NONE.into(), NONE, NONE, std::iter::empty()));
        Self { known: RwLock::default(), none }
    }
}

impl Modules {
    pub(super) fn in_use(&self, roles: &[(&Module, Role)]) {
        // Before the lock that each request takes; one more that is not needed costs nothing but itself.
        let is_known = |module: &Module| {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.iter().any(|(counted, _)| counted.digest == *module.short_digest())
        };
        let made: Vec<_> = roles.iter().map(|(module, _)| (!is_known(module)).then(|| Counted::of(module))).collect();
        let mut gone = Vec::new();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (_, role) in known.iter_mut() {
            *role = None;
        }
        for ((module, role), made) in roles.iter().zip(made) {
            // What serves again is the youngest again.
            let at = known.iter().position(|(counted, _)| counted.digest == *module.short_digest());
            let counted = match at {
                Some(at) => known.remove(at).0,
                None => Arc::new(made.unwrap_or_else(|| Counted::of(module))),
            };
            known.push((counted, Some(*role)));
        }
        while known.len() > MAX_MODULES
            && let Some(oldest) = known.iter().position(|(_, role)| role.is_none())
        {
            gone.push(known.remove(oldest));
        }
        drop(known);
        drop(gone);
    }

    pub(super) fn forget(&self, digest: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(counted, _)| &*counted.digest != digest);
    }

    pub(super) fn answered(&self, seen: &Seen<'_>) {
        self.with(seen.module, |counted| counted.series(seen.route).count(seen));
    }

    pub(super) fn failed(&self, digest: &str, cause: Cause) {
        self.with(digest, |counted| counted.failed(cause));
    }

    fn with(&self, digest: &str, count: impl FnOnce(&Counted)) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|(counted, _)| &*counted.digest == digest);
        count(found.map_or(&self.none, |(counted, _)| counted));
    }
}

impl Collector for Modules {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // Not under the lock: requests go on while this is written.
        let mut known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        encode_info(&mut encoder, &known)?;
        known.push((Arc::clone(&self.none), None));
        let asked = || known.iter().flat_map(|(counted, _)| counted.asked());
        let by_status = asked().flat_map(|([module, route], series)| {
            let statuses = series.by_status().into_iter();
            statuses.map(move |(status, count)| ([own(module), own(route), ("status", status)], count))
        });
        let what = "Requests that are over, by status; 499: the client went away before its answer";
        encode_counters(&mut encoder, "requests", what, None, by_status)?;
        if asked().next().is_some() {
            let what = "Time from the head of a request to its answer";
            let seconds = Some(&Unit::Seconds);
            let mut family = encoder.encode_descriptor("request_duration", what, seconds, MetricType::Histogram)?;
            for (labels, series) in asked() {
                series.duration.encode(family.encode_family(&labels)?)?;
            }
        }
        let seconds = |micros: &AtomicU64| Duration::from_micros(micros.load(Ordering::Relaxed)).as_secs_f64();
        let what = "CPU time of the rules";
        let cpu = asked().map(|(labels, series)| (labels, seconds(&series.guest_micros)));
        encode_counters(&mut encoder, "rules_cpu", what, Some(&Unit::Seconds), cpu)?;
        let what = "Time that the rules waited for their calls of events and tickets";
        let waited = asked().map(|(labels, series)| (labels, seconds(&series.host_call_micros)));
        encode_counters(&mut encoder, "host_call", what, Some(&Unit::Seconds), waited)?;
        let what = "Calls of events and tickets by the rules";
        let calls = asked().map(|(labels, series)| (labels, series.host_calls.load(Ordering::Relaxed)));
        encode_counters(&mut encoder, "host_calls", what, None, calls)?;
        let failures = known.iter().flat_map(|(counted, _)| {
            let counts = counted.failures.iter().map(|count| count.load(Ordering::Relaxed));
            let causes = Cause::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0);
            causes.map(|(cause, count)| ([("module", &*counted.digest), ("cause", cause.name())], count))
        });
        let what = "Runs of the rules that gave no answer, by module and cause";
        encode_counters(&mut encoder, "rules_failures", what, None, failures)
    }
}

fn own((name, value): (&'static str, &str)) -> (&'static str, String) {
    (name, value.to_owned())
}

fn encode_info(encoder: &mut DescriptorEncoder<'_>, known: &[(Arc<Counted>, Option<Role>)]) -> fmt::Result {
    let with_role = || known.iter().filter_map(|(counted, role)| Some((counted, (*role)?)));
    if with_role().next().is_none() {
        return Ok(());
    }
    let what = "Modules that are in use, and what for";
    let mut family = encoder.encode_descriptor("module", what, None, MetricType::Info)?;
    for (counted, role) in with_role() {
        family.encode_info(&[
            ("module", &*counted.digest),
            ("name", &counted.name),
            ("version", &counted.version),
            ("role", role.name()),
        ])?;
    }
    Ok(())
}

/// One family of counters; nothing of it where there are none.
fn encode_counters<S: EncodeLabelSet, N>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    what: &str,
    unit: Option<&Unit>,
    counts: impl Iterator<Item = (S, N)>,
) -> fmt::Result
where
    ConstCounter<N>: EncodeMetric,
{
    let mut counts = counts.peekable();
    if counts.peek().is_none() {
        return Ok(());
    }
    let mut family: MetricEncoder<'_> = encoder.encode_descriptor(name, what, unit, MetricType::Counter)?;
    for (labels, count) in counts {
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
