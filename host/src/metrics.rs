//! What is counted, for Prometheus to fetch from `/metrics` on the operator's surface. `host/METRICS.md` says what each one means.
//!
//! Labels have few values: modules by their shortened digest, routes of their manifests, statuses, codes and causes. Nothing that a
//! client sends becomes a label.

mod modules;
mod scrape;

use std::sync::Arc;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::domain::Millis;
use crate::store::sqlite::StoreMetrics;
use crate::wasm::{Cause, Module};
use modules::Modules;

pub(crate) use modules::{Role, Seen};
pub(crate) use scrape::scrape;

/// The media type of what [`scrape`] gives: `OpenMetrics` 1.0, which Prometheus reads.
pub(crate) const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One label, as a label set.
type Label = [(&'static str, &'static str); 1];

/// What things came to, by name: cheap to clone, and all clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcomes(Family<Label, Counter>);

impl Outcomes {
    /// One more has come to this.
    pub(crate) fn count(&self, outcome: &'static str) {
        self.add(outcome, 1);
    }

    /// So many more have come to this.
    pub(crate) fn add(&self, outcome: &'static str, count: u64) {
        self.0.get_or_create(&[("outcome", outcome)]).inc_by(count);
    }
}

/// Why things were refused, by name: cheap to clone, and all clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reasons(Family<Label, Counter>);

impl Reasons {
    /// One more was refused for this.
    pub(crate) fn count(&self, reason: &'static str) {
        self.0.get_or_create(&[("reason", reason)]).inc();
    }
}

/// The server's counters.
pub(crate) struct Metrics {
    registry: Registry,
    modules: Arc<Modules>,
    refusals: Family<Label, Counter>,
    /// Open connections of the REST API.
    pub(crate) connections: Gauge,
    /// Connections of it that did not get as far as HTTP.
    pub(crate) tls_handshake_failures: Counter,
    /// Sweeps that were finished.
    pub(crate) sweeps: Counter,
    /// Requests that were answered with what was kept.
    pub(crate) memo_hits: Counter,
    /// Requests that might have been.
    pub(crate) memo_misses: Counter,
    /// Swaps: another module serves everybody.
    pub(crate) swaps: Counter,
    /// Canaries that the host has rolled back by itself.
    pub(crate) canary_rollbacks: Counter,
    /// Requests that a shadow was shown.
    pub(crate) shadowed: Outcomes,
    /// Requests that were to be recorded.
    pub(crate) recorded: Outcomes,
    /// Credentials that let nobody in.
    pub(crate) credentials: Reasons,
    /// Changes of the file with the keys of tokens.
    pub(crate) token_keys: Outcomes,
    /// When the server was started.
    started: Millis,
}

impl Metrics {
    /// Nothing is counted yet, except what the store has of its own.
    pub(crate) fn new(store: &StoreMetrics, started: Millis) -> Self {
        let mut registry = Registry::with_prefix("boxoffice");
        registry.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let modules = Arc::new(Modules::default());
        registry.register_collector(Box::new(Arc::clone(&modules)));
        let refusals = Family::default();
        let what = "Requests that the host answered by itself, by the code of the problem";
        registry.register("refusals", what, refusals.clone());
        let connections = Gauge::default();
        registry.register("connections", "Open connections of the REST API", connections.clone());
        let tls_handshake_failures = Counter::default();
        let what = "Connections that ended before there was TLS between them";
        registry.register("tls_handshake_failures", what, tls_handshake_failures.clone());
        let sweeps = Counter::default();
        registry.register("sweeps", "Sweeps that were finished", sweeps.clone());
        let (memo_hits, memo_misses) = (Counter::default(), Counter::default());
        let what = "Requests that were answered with what was kept, without a run of the rules";
        registry.register("memo_hits", what, memo_hits.clone());
        let what = "Requests for which there was nothing kept that is still true";
        registry.register("memo_misses", what, memo_misses.clone());
        register_store(&mut registry, store);
        let (swaps, canary_rollbacks) = (Counter::default(), Counter::default());
        registry.register("rules_swaps", "Times that another module began to serve everybody", swaps.clone());
        let what = "Canaries that the host has rolled back by itself";
        registry.register("canary_rollbacks", what, canary_rollbacks.clone());
        let (shadowed, recorded) = (Outcomes::default(), Outcomes::default());
        registry.register("shadow_requests", "Requests that a shadow was shown, by outcome", shadowed.0.clone());
        registry.register("recordings", "Requests that were to be recorded, by outcome", recorded.0.clone());
        let credentials = Reasons::default();
        let what = "Requests whose credential lets nobody in, by reason";
        registry.register("credentials_refused", what, credentials.0.clone());
        let token_keys = Outcomes::default();
        let what = "Changes of the file with the keys of tokens, by outcome";
        registry.register("token_key_changes", what, token_keys.0.clone());
        Self {
            registry,
            modules,
            refusals,
            connections,
            tls_handshake_failures,
            sweeps,
            memo_hits,
            memo_misses,
            swaps,
            canary_rollbacks,
            shadowed,
            recorded,
            credentials,
            token_keys,
            started,
        }
    }

    /// These modules are in use from now on, and what for; all others are not. Before that, a module's requests are counted under none.
    pub(crate) fn in_use(&self, roles: &[(&Module, Role)]) {
        self.modules.in_use(roles);
    }

    /// A module, by its shortened digest, is gone: all of its series go with it.
    pub(crate) fn forget(&self, module: &str) {
        self.modules.forget(module);
    }

    /// A request has its answer, or is over without one.
    pub(crate) fn answered(&self, seen: &Seen<'_>) {
        self.modules.answered(seen);
    }

    /// The host answers a request by itself, with the problem of this code.
    pub(crate) fn refused(&self, code: &'static str) {
        self.refusals.get_or_create(&[("code", code)]).inc();
    }

    /// A run of a module gave no answer.
    pub(crate) fn rules_failed(&self, module: &str, cause: Cause) {
        self.modules.failed(module, cause);
    }

    /// Everything that was counted, and what was asked for this one time, as text.
    fn text(&self, asked: &[Registry]) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode_registry(&mut out, &self.registry);
        for asked in asked {
            let _ = text::encode_registry(&mut out, asked);
        }
        let _ = text::encode_eof(&mut out);
        out
    }
}

fn register_store(registry: &mut Registry, store: &StoreMetrics) {
    let what = "Jobs that wait for the store's writer";
    registry.register("store_queue_jobs", what, store.queued.clone());
    let what = "Jobs in each transaction that committed";
    registry.register("commit_batch_size", what, store.batch_size.clone());
    let what = "Time that each commit took, its sync included";
    registry.register_with_unit("commit_duration", what, Unit::Seconds, store.commit_seconds.clone());
    registry.register("commit_failures", "Commits that failed", store.commit_failures.clone());
    for (name, what, count) in [
        ("tickets_reserved", "Tickets that were reserved", &store.reserved),
        ("tickets_confirmed", "Tickets that were confirmed", &store.confirmed),
        ("tickets_cancelled", "Tickets that somebody cancelled", &store.cancelled),
        ("holds_released", "Holds that ran out and were released, by a sweep or for a registration", &store.released),
        ("audit_written", "Entries of the audit trail that were written", &store.audited),
        (
            "audit_forgotten",
            "Entries of the audit trail that were forgotten because they were old",
            &store.audit_forgotten,
        ),
    ] {
        registry.register(name, what, count.clone());
    }
}
