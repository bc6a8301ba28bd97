//! What the server logs of single requests: those whose id a test has asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// What ids of watched requests begin with.
const WATCHED: &str = "watched-";

static LINES: Mutex<Vec<LogLine>> = Mutex::new(Vec::new());

/// One line.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// Which part of the server: `rules` is what a module says by itself.
    pub target: String,
    /// Its fields as text; `message` is the line itself.
    pub fields: BTreeMap<String, String>,
}

impl LogLine {
    /// A field as text; empty where there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl Visit for LogLine {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }
}

struct Keep;

impl<S: Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let target = metadata.target().to_owned();
        let mut line = LogLine { level: *metadata.level(), target, fields: BTreeMap::new() };
        event.record(&mut line);
        if line.field("request_id").starts_with(WATCHED) {
            LINES.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }
}

/// A request id whose lines are kept, for the header `X-Request-Id`.
///
/// # Panics
/// If the process has a log already.
#[must_use]
pub fn watched_id() -> String {
    static START: Once = Once::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    START.call_once(|| tracing_subscriber::registry().with(Keep).try_init().expect("the process has no log yet"));
    format!("{WATCHED}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// What was logged of a watched request, the line of the access log among it.
#[must_use]
pub fn logged(request_id: &str) -> Vec<LogLine> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().filter(|line| line.field("request_id") == request_id).cloned().collect()
}
