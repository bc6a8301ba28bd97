//! Differences as they are shown: bounded, and without anybody's email.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare::{Difference, Side};
use super::mask::{masked, masked_path, masked_text};
use crate::seen::Seen;

/// Most bytes of one side, as JSON.
const MAX_SIDE: usize = 4 * 1024;
/// Most characters of a path, and of the difference in words.
const MAX_TEXT: usize = 512;

/// In what a candidate differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It answers something else.
    Response,
    /// It wants to write something else, or something more.
    Write,
    /// It leaves out a write.
    MissingWrite,
    /// The host would have routed the request differently.
    Route,
    /// One of the two failed, or each in its own way.
    Failure,
}

impl Kind {
    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Write => "write",
            Self::MissingWrite => "missing-write",
            Self::Route => "route",
            Self::Failure => "failure",
        }
    }
}

/// One request that the two modules did not answer alike. Emails are masked, and each side is cut at 4 KiB of JSON. As text: a few lines
/// for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The id of the request, as in the log.
    pub request_id: String,
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// The route's id, the active module's if it has one.
    pub route: Option<String>,
    /// In what they differ.
    pub kind: Kind,
    /// The first difference, in words.
    pub what: String,
    /// The active module, by the first 12 digits of its digest.
    pub active_module: String,
    /// What the active module did.
    pub active: Value,
    /// What the candidate did.
    pub candidate: Value,
    /// Reads of the candidate that may have seen another state than the active run did: then the difference may be theirs.
    pub later_reads: u32,
}

impl Example {
    pub(super) fn of(seen: &Seen, side: &Side, route: Option<&str>, difference: Difference) -> Self {
        let path = masked_path(&seen.path, seen.query.as_deref());
        Self {
            request_id: seen.request_id.clone(),
            method: seen.method.to_string(),
            path: cut(path, MAX_TEXT),
            route: route.map(str::to_owned),
            kind: difference.kind,
            what: cut(masked_text(&difference.what), MAX_TEXT),
            active_module: seen.module.short_digest().to_string(),
            active: cut_json(masked(difference.active)),
            candidate: cut_json(masked(difference.candidate)),
            later_reads: side.later_reads(),
        }
    }
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

/// What is too long becomes the beginning of its text.
fn cut_json(value: Value) -> Value {
    let text = value.to_string();
    if text.len() > MAX_SIDE { Value::String(cut(text, MAX_SIDE)) } else { value }
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request_id, method, path, kind, what, active, candidate, later_reads, .. } = self;
        let route = self.route.as_deref().unwrap_or("no route");
        // Texts of clients and modules: nothing in them may move a terminal's cursor.
        let line = |text: &str| text.escape_debug().to_string();
        let side = |value: &Value| value.to_string().chars().flat_map(visible).collect::<String>();
        writeln!(f, "{} on {route}: {}", kind.name(), line(what))?;
        writeln!(f, "  request    {} {} ({request_id})", line(method), line(path))?;
        writeln!(f, "  active     {}", side(active))?;
        write!(f, "  candidate  {}", side(candidate))?;
        if *later_reads > 0 {
            write!(f, "\n  {later_reads} of its reads may have seen a later state")?;
        }
        Ok(())
    }
}

/// JSON has escaped most control characters, but not all.
fn visible(c: char) -> impl Iterator<Item = char> {
    let (escaped, plain) = if c.is_control() { (Some(c.escape_unicode()), None) } else { (None, Some(c)) };
    escaped.into_iter().flatten().chain(plain)
}
