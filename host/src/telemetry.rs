//! The log: one line for each thing that happened, on stderr.

mod lines;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Serve};
use lines::Lines;
pub use lines::LogGuard;

/// Starts logging for the process. What is buffered is written when the guard is dropped.
///
/// # Errors
/// A filter that cannot be parsed, or logging that has been started before: one line.
pub fn start(settings: &Serve) -> Result<LogGuard, String> {
    let filter = EnvFilter::try_new(&settings.log).map_err(|error| format!("--log {:?}: {error}", settings.log))?;
    let terminal = std::io::stderr().is_terminal();
    let (writer, guard) =
        Lines::to(std::io::stderr()).map_err(|error| format!("logging cannot be started: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let form = settings.log_format.unwrap_or(if terminal { LogFormat::Pretty } else { LogFormat::Json });
    let started = match form {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
        LogFormat::Pretty => builder.with_ansi(terminal).with_target(false).try_init(),
    };
    started.map_err(|error| format!("logging cannot be started: {error}"))?;
    Ok(guard)
}

/// Starts logging for a command that does one thing and ends: for people, on stderr, as much as this filter lets through.
pub fn start_for_command(filter: &str) {
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(std::io::stderr);
    // Only if logging has been started already; then it goes there.
    let _ = builder.with_ansi(terminal).with_target(false).without_time().try_init();
}

/// Sends panics to the log, with their place and without a backtrace; whoever catches one answers for it.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let text = panic.payload_as_str().unwrap_or("without a message");
        tracing::error!(place, "panic: {text}");
    }));
}
