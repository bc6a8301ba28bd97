//! What is counted, for Prometheus to fetch from `/metrics` on the operator's surface.
//!
//! Labels have few values: modules by their shortened digest, causes by their name. Nothing that a client sends becomes a label.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::wasm::{Cause, Occupancy};

/// The media type of [`Metrics::text`]: `OpenMetrics` 1.0, which Prometheus reads.
pub(crate) const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    module: String,
    cause: &'static str,
}

/// The server's counters.
pub(crate) struct Metrics {
    registry: Registry,
    rules_failures: Family<FailureLabels, Counter>,
    rules_instances: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("boxoffice");
        let rules_failures = Family::default();
        registry.register(
            "rules_failures",
            "Runs of the rules that gave no answer, by module and cause",
            rules_failures.clone(),
        );
        let rules_instances = Gauge::default();
        registry.register("rules_instances", "Instances of the rules that run now", rules_instances.clone());
        Self { registry, rules_failures, rules_instances }
    }
}

impl Metrics {
    /// A run of a module gave no answer.
    pub(crate) fn rules_failed(&self, module: &Arc<str>, cause: Cause) {
        let labels = FailureLabels { module: module.to_string(), cause: cause.name() };
        self.rules_failures.get_or_create(&labels).inc();
    }

    /// Everything, as text.
    pub(crate) fn text(&self, occupancy: Occupancy) -> String {
        self.rules_instances.set(i64::try_from(occupancy.permits).unwrap_or(i64::MAX));
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}
