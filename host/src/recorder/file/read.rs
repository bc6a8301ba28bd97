//! Reads a recording, from wherever it comes: nothing in it is believed.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{FORMAT, MAX_FILE, Outcome, RecordedRequest};
use crate::domain::{Millis, Role};

/// Why a file is no recording that can be run again.
#[derive(Debug)]
pub(crate) enum BadRecording {
    /// The system's account of it.
    Unreadable(std::io::Error),
    /// More bytes than a recording has.
    TooLarge,
    /// Another file, or the beginning of one.
    NotARecording(String),
    /// A later version of the program wrote it.
    NewerFormat(u64),
    /// It is one by its form, but says what no host writes.
    Impossible(String),
}

impl BadRecording {
    /// The name.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::TooLarge => "too-large",
            Self::NotARecording(_) => "not-a-recording",
            Self::NewerFormat(_) => "newer-format",
            Self::Impossible(_) => "impossible",
        }
    }

    /// What to do about it.
    pub(crate) const fn advice(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "name a file that `serve --record DIR` wrote",
            Self::TooLarge | Self::NotARecording(_) => "name a file that `serve --record DIR` wrote, and copy it whole",
            Self::NewerFormat(_) => "use the version of boxoffice that recorded it, or a later one",
            Self::Impossible(_) => "use the file as it was recorded",
        }
    }
}

impl fmt::Display for BadRecording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(f),
            Self::TooLarge => write!(f, "the file has more than {} MiB", MAX_FILE / 1024 / 1024),
            Self::NotARecording(why) => write!(f, "the file is no recording: {why}"),
            Self::NewerFormat(format) => {
                write!(f, "the recording has the format {format}, and this host knows {FORMAT}")
            }
            Self::Impossible(what) => write!(f, "the recording was changed: {what}"),
        }
    }
}

/// Reads it, whole and checked. Blocks.
pub(crate) fn read(path: &Path) -> Result<RecordedRequest, BadRecording> {
    let mut text = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text));
    opened.map_err(BadRecording::Unreadable)?;
    if text.len() as u64 > MAX_FILE {
        return Err(BadRecording::TooLarge);
    }
    let foreign = |error: serde_json::Error| BadRecording::NotARecording(error.to_string().escape_debug().to_string());
    let value: Value = serde_json::from_slice(&text).map_err(foreign)?;
    match value.get("format").and_then(Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) if format > u64::from(FORMAT) => return Err(BadRecording::NewerFormat(format)),
        _ => return Err(BadRecording::NotARecording("it does not name its format".to_owned())),
    }
    let recorded = RecordedRequest::deserialize(value).map_err(foreign)?;
    check(&recorded).map_err(BadRecording::Impossible)?;
    Ok(recorded)
}

fn check(recorded: &RecordedRequest) -> Result<(), String> {
    recorded.limits.check()?;
    if let Some(role) = recorded.caller.roles.iter().find(|name| Role::named(name).is_none()) {
        return Err(format!("there is no role {role:?}"));
    }
    if Millis::from_u64(recorded.request.now_ms).is_none() {
        return Err(format!("{} ms is after the year 9999", recorded.request.now_ms));
    }
    let digest = &recorded.module.digest;
    if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("{digest:?} is no SHA-256"));
    }
    match &recorded.outcome {
        Outcome::Answer(answer) if answer.answer().is_none() => Err("its answer is none that HTTP has".to_owned()),
        _ => Ok(()),
    }
}
