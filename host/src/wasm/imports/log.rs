//! `boxoffice:rules/log`, and the contract's types, which have no functions.

use std::fmt::Write as _;

use crate::wasm::bindings::boxoffice::rules::log::{Host, Level};
use crate::wasm::bindings::boxoffice::rules::types;
use crate::wasm::limits::Limits;
use crate::wasm::recording::LoggedLine;
use crate::wasm::run::{Answers, Run};

/// Bytes of a message that are kept.
const MAX_MESSAGE: usize = 1024;
/// Fields of a line that are kept.
const MAX_FIELDS: usize = 16;
/// Bytes of a field's name, and of its value, that are kept.
const MAX_FIELD: usize = 256;

/// What a run has logged.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::wasm) struct Logged {
    lines: u32,
    bytes: usize,
    dropped: u32,
}

impl Logged {
    /// Whether another line has room; if not, it is counted.
    fn has_room(&mut self, limits: &Limits) -> bool {
        let room = self.lines < limits.log_lines && self.bytes < limits.log_bytes;
        if room {
            self.lines += 1;
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
        room
    }

    /// A line of so many bytes fits into what is left, or it is counted as dropped.
    fn fits(&mut self, bytes: usize, limits: &Limits) -> bool {
        let fits = bytes <= limits.log_bytes.saturating_sub(self.bytes);
        if fits {
            self.bytes += bytes;
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
        fits
    }
}

impl types::Host for Run {}

impl Host for Run {
    fn write(&mut self, level: Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        // A module that is describing itself has no request to speak of. What has no room is not even looked at.
        if matches!(self.answers, Answers::Nobody) || !self.logged.has_room(&self.limits) {
            return Ok(());
        }
        let message = clean(&message, MAX_MESSAGE);
        let fields = fields.iter().take(MAX_FIELDS).fold(String::new(), |mut line, (name, value)| {
            // Writing to a String cannot fail.
            let _ = write!(line, "{}={} ", clean(name, MAX_FIELD), clean(value, MAX_FIELD));
            line
        });
        if !self.logged.fits(message.len() + fields.len(), &self.limits) {
            return Ok(());
        }
        let fields = fields.trim_end();
        if let Some(recording) = &mut self.recording {
            let (level, fields) = (name_of(level).to_owned(), fields.to_owned());
            recording.log.push(LoggedLine { level, message: message.clone(), fields });
        }
        // What was said once is not said again.
        if !matches!(self.answers, Answers::Live(_)) {
            return Ok(());
        }
        let (module, request_id) = (self.digest.as_ref(), self.request_id.as_str());
        match level {
            Level::Debug => tracing::debug!(target: "rules", module, request_id, fields, "{message}"),
            Level::Info => tracing::info!(target: "rules", module, request_id, fields, "{message}"),
            Level::Warn => tracing::warn!(target: "rules", module, request_id, fields, "{message}"),
            Level::Error => tracing::error!(target: "rules", module, request_id, fields, "{message}"),
        }
        Ok(())
    }
}

/// Says how many lines of a run were dropped, if any were.
pub(in crate::wasm) fn tell_dropped(run: &Run) {
    let dropped = run.logged.dropped;
    if dropped > 0 && matches!(run.answers, Answers::Live(_)) {
        let (module, request_id) = (run.digest.as_ref(), run.request_id.as_str());
        tracing::warn!(target: "rules", module, request_id, dropped, "the module logged more than it may");
    }
}

const fn name_of(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// At most `max` bytes of `text`, whole characters, control characters escaped, so that nobody forges a line.
fn clean(text: &str, max: usize) -> String {
    text[..text.floor_char_boundary(max)].escape_debug().collect()
}
