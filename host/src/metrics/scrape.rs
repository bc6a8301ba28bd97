//! What is not counted but asked, each time that somebody fetches the metrics.
//!
//! What cannot be asked is left out: no value is better than a wrong one.

use std::sync::{Arc, PoisonError};

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::domain::Millis;
use crate::http::App;
use crate::process::Usage;

/// The metrics as text.
pub(crate) async fn scrape(app: &App) -> String {
    let mut ours = Registry::with_prefix("boxoffice");
    let active = Arc::clone(&app.registry.serving().active);
    let running = active.occupancy();
    gauge(&mut ours, "rules_instances", "Instances of the rules that run now", running.permits);
    gauge(
        &mut ours,
        "rules_instances_max",
        "Instances of the rules that may run at the same time",
        active.max_instances().into(),
    );
    gauge(&mut ours, "requests_in_flight", "Requests that have no answer yet", app.drain.in_flight() as u64);
    if let Some(limiter) = &app.limiter {
        let mut limiter = limiter.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = limiter.clients_at(app.clock.elapsed()) as u64;
        drop(limiter);
        gauge(&mut ours, "limiter_clients", "Clients with a request in the rate limiter's window", clients);
    }
    if let Some(memo) = &app.memo {
        gauge(&mut ours, "memo_answers", "Answers that are kept", memo.answers() as u64);
        let what = "Memory of the answers that are kept, near enough";
        ours.register_with_unit("memo", what, Unit::Bytes, ConstGauge::new(memo.bytes()));
    }
    if let Some(tls) = &app.tls {
        let what = "When the certificate that is served ends, since 1970";
        let ends = ConstGauge::new(seconds(tls.not_after()));
        ours.register_with_unit("tls_certificate_not_after", what, Unit::Seconds, ends);
    }
    if let Ok(holds) = app.database.live_holds(app.clock.now()).await {
        gauge(&mut ours, "holds", "Holds that have not run out", holds);
    }
    if let Some(bytes) = app.database.log_bytes() {
        let what = "Length of the database's write-ahead log on disk";
        ours.register_with_unit("wal", what, Unit::Bytes, ConstGauge::new(bytes));
    }
    app.metrics.text(&[ours, process(app)])
}

fn gauge(registry: &mut Registry, name: &str, what: &str, value: u64) {
    registry.register(name, what, ConstGauge::new(value));
}

/// Exact: milliseconds have 41 bits in our time.
#[expect(clippy::cast_precision_loss, reason = "they fit for some 280,000 years")]
fn seconds(at: Millis) -> f64 {
    at.as_u64() as f64 / 1000.0
}

/// Named as everybody's processes are: `process_*`, without the program's name.
fn process(app: &App) -> Registry {
    let mut registry = Registry::default();
    let usage = Usage::now();
    let what = "When the server was started, since 1970";
    registry.register_with_unit(
        "process_start_time",
        what,
        Unit::Seconds,
        ConstGauge::new(seconds(app.metrics.started)),
    );
    let what = "CPU time of the process, user and system";
    registry.register_with_unit("process_cpu", what, Unit::Seconds, ConstCounter::new(usage.cpu.as_secs_f64()));
    if let Some(bytes) = usage.resident_bytes {
        let what = "Memory of the process that is resident";
        registry.register_with_unit("process_resident_memory", what, Unit::Bytes, ConstGauge::new(bytes));
    }
    if let Some(open) = usage.open_files {
        gauge(&mut registry, "process_open_fds", "Open file descriptors", open);
    }
    if let Some(most) = usage.max_files {
        gauge(&mut registry, "process_max_fds", "Most file descriptors that may be open", most);
    }
    registry
}
