//! Settings with units: how they are written, and their limits.

use std::fmt;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::limiter::RateLimit;

/// Bytes, written as `65536`, `64KiB` or `1MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub usize);

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}B", self.0)
    }
}

/// The rate limit, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSetting(pub Option<RateLimit>);

/// The memory for answers that are kept, in bytes, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoSetting(pub Option<usize>);

/// Most requests that `--rate-limit` can allow: the limiter remembers each of them.
const MAX_REQUESTS: u32 = 1_000;
/// The shortest window of `--rate-limit`.
const MIN_WINDOW: Duration = Duration::from_millis(1);
/// The longest window of `--rate-limit`, for the same reason.
const MAX_WINDOW: Duration = Duration::from_hours(1);

/// A parser of durations from `least` to `most`, both written as the user would.
pub(super) fn duration(
    least: &'static str,
    most: &'static str,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        let parse = |text: &str| humantime::parse_duration(text).map_err(|e| e.to_string());
        let value = parse(text).map_err(|_| format!("write a number and a unit, from {least} to {most}"))?;
        if value < parse(least)? || value > parse(most)? {
            return Err(format!("must be {least} to {most}"));
        }
        Ok(value)
    }
}

/// A parser of byte counts from `least` to `most`, both written as the user would.
pub(super) fn bytes(
    least: &'static str,
    most: &'static str,
) -> impl Fn(&str) -> Result<ByteSize, String> + Clone + Send + Sync + 'static {
    move |text| {
        let parse = |text: &str| text.parse::<bytesize::ByteSize>().map(|size| size.as_u64());
        let value = parse(text).map_err(|_| format!("write bytes, from {least} to {most}, such as 1MiB"))?;
        if value < parse(least)? || value > parse(most)? {
            return Err(format!("must be {least} to {most}"));
        }
        usize::try_from(value).map(ByteSize).map_err(|e| e.to_string())
    }
}

/// Parses the memory for answers that are kept, or `off`. At the least 1 MiB: with less there would be no room for a few of the largest.
pub(super) fn memo(text: &str) -> Result<MemoSetting, String> {
    if text == "off" || text == "0" {
        return Ok(MemoSetting(None));
    }
    bytes("1MiB", "64GiB")(text).map(|size| MemoSetting(Some(size.0))).map_err(|why| format!("{why}, or off"))
}

/// Parses `N/DURATION` or `off`.
pub(super) fn rate_limit(text: &str) -> Result<RateSetting, String> {
    if text == "off" {
        return Ok(RateSetting(None));
    }
    let usage = || "write N/DURATION such as 5/10s, or off".to_owned();
    let (requests, window) = text.split_once('/').ok_or_else(usage)?;
    let requests = requests.parse().map_err(|_| usage())?;
    let window = humantime::parse_duration(window).map_err(|_| usage())?;
    if !(1..=MAX_REQUESTS).contains(&requests) || window < MIN_WINDOW || window > MAX_WINDOW {
        return Err(format!("must be 1 to {MAX_REQUESTS} requests in 1ms to 1h"));
    }
    Ok(RateSetting(Some(RateLimit { requests, window })))
}

/// Parses a part of a hundred.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (0.0..=100.0).contains(value));
    value.ok_or_else(|| "must be 0 to 100".to_owned())
}

/// Checks a log filter; it is parsed again where the log is started.
pub(super) fn log_filter(text: &str) -> Result<String, String> {
    let usage = || "write error, warn, info, debug, trace, off, or a filter such as info,boxoffice=debug".to_owned();
    // The parser takes a bare word that is no level for the name of a target: a misspelt level would silence everything.
    let bare_words_are_levels = text.split(',').all(|part| part.contains(['=', '[']) || is_level(part.trim()));
    if !bare_words_are_levels || EnvFilter::try_new(text).is_err() {
        return Err(usage());
    }
    Ok(text.to_owned())
}

fn is_level(word: &str) -> bool {
    !word.is_empty() && word.parse::<LevelFilter>().is_ok()
}
