//! `boxoffice rules list`, for people.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use bytesize::ByteSize;
use serde_json::Value;

use super::terminal::{plain, table};
use crate::clock::{Clock as _, SystemClock};
use crate::shadow::{RouteCount, ShadowReport};

/// Steps of the history that are told; the host keeps more, and `--json` has them all.
const MAX_STEPS: usize = 10;
/// Examples of what a shadow does differently that are told; the host keeps more, and `--json` has them all.
const MAX_EXAMPLES: usize = 3;
/// Digits of a digest that are told: enough to tell modules apart.
const SHORT: usize = 12;

/// Everything, in tables.
pub(super) fn report(listing: &Value) -> String {
    let mut told = Vec::new();
    if let Some(file) = listing["pinned"].as_str() {
        told.push(format!("The rules are pinned to {}, {}; no other module serves.", plain(file), active(listing)));
    }
    told.push(modules(listing));
    told.extend(canary(&listing["canary"]));
    told.extend(shadow(&listing["shadow"]));
    told.extend(history(listing));
    told.join("\n\n")
}

/// The beginning of a digest; `standard` as it is.
pub(super) fn short(id: &str) -> &str {
    id.get(..SHORT).filter(|_| id.len() == 64).unwrap_or(id)
}

/// A module of the list: what it is called here, and what it calls itself.
pub(super) fn named(module: &Value) -> String {
    let text = |name: &str| plain(module[name].as_str().unwrap_or_default());
    let (name, version) = (text("name"), text("version"));
    let id = text("id");
    if name.is_empty() { short(&id).to_owned() } else { format!("{} ({name} {version})", short(&id)) }
}

fn active(listing: &Value) -> String {
    short(&plain(listing["active"].as_str().unwrap_or_default())).to_owned()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn modules(listing: &Value) -> String {
    let mut told = table();
    told.set_header(["module", "name", "version", "state", "share", "size", "uploaded", "used", "signed by"]);
    let canarys = listing["canary"]["percent"].as_f64();
    for module in items(&listing["modules"]) {
        let text = |name: &str| module[name].as_str().map_or_else(|| "-".to_owned(), plain);
        let state = text("state");
        let share = match (state.as_str(), canarys) {
            ("active", None) => "100 %".to_owned(),
            ("active", Some(percent)) => format!("{} %", ((100.0 - percent) * 100.0).round() / 100.0),
            ("canary", Some(percent)) => format!("{percent} %"),
            _ => "-".to_owned(),
        };
        let size = ByteSize(module["bytes"].as_u64().unwrap_or_default()).to_string();
        let (uploaded, used) = (ago(&module["uploaded_at"]), ago(&module["used_at"]));
        let id = short(&text("id")).to_owned();
        told.add_row([id, text("name"), text("version"), state, share, size, uploaded, used, text("signed_by")]);
    }
    told.trim_fmt()
}

fn canary(canary: &Value) -> Option<String> {
    let id = canary["id"].as_str()?;
    let mut told = table();
    told.set_header(["", "requests", "failed", "5xx", "slow"]);
    for (name, counts) in [("canary", &canary["seen"]), ("active", &canary["active"])] {
        let count = |field: &str| counts[field].as_u64().unwrap_or_default().to_string();
        told.add_row([name.to_owned(), count("requests"), count("failed"), count("server_errors"), count("slow")]);
    }
    let window = Duration::try_from_secs_f64(canary["window_seconds"].as_f64().unwrap_or_default()).unwrap_or_default();
    Some(format!(
        "The canary {} serves {} % of the callers, begun {}; it is judged from {} requests on. In the last {}:\n{}",
        short(&plain(id)),
        canary["percent"].as_f64().unwrap_or_default(),
        ago(&canary["since"]),
        canary["min_requests"],
        humantime::format_duration(window),
        told.trim_fmt()
    ))
}

fn shadow(shadow: &Value) -> Option<String> {
    let id = shadow["id"].as_str()?;
    if shadow["running"] == false {
        return Some(format!(
            "The shadow {} does not run: it could not be started, and the host's log says why. The next change \
             of the modules tries again.",
            short(&plain(id))
        ));
    }
    let found: ShadowReport = serde_json::from_value(shadow.clone()).ok()?;
    let ShadowReport { compared, identical, divergent, dropped, skipped, by_route, examples } = &found;
    let mut told = format!(
        "The shadow {} runs beside the active module since {}: {compared} requests compared, {identical} identical, \
         {divergent} divergent; {dropped} dropped under load, {skipped} skipped.",
        short(&plain(id)),
        ago(&shadow["since"]),
    );
    if !by_route.is_empty() {
        let mut divergent = table();
        divergent.set_header(["route", "divergence", "requests"]);
        for RouteCount { route, kind, count } in by_route {
            let route = plain(route.as_deref().unwrap_or("-"));
            divergent.add_row([route, kind.name().to_owned(), count.to_string()]);
        }
        // Writing to a String cannot fail.
        let _ = write!(told, "\n{}", divergent.trim_fmt());
    }
    for example in examples.iter().take(MAX_EXAMPLES) {
        let _ = write!(told, "\n\n{example}");
    }
    let more = examples.len().saturating_sub(MAX_EXAMPLES);
    if more > 0 {
        let _ = write!(told, "\n\n({more} more examples: --json)");
    }
    Some(told)
}

fn history(listing: &Value) -> Option<String> {
    let steps = items(&listing["history"]);
    let mut told = table();
    told.set_header(["when", "what", "module", "more"]);
    for step in steps.iter().take(MAX_STEPS) {
        let text = |name: &str| plain(step[name].as_str().unwrap_or_default());
        told.add_row([text("at"), text("event"), short(&text("id")).to_owned(), text("detail")]);
    }
    let before = steps.len().saturating_sub(MAX_STEPS);
    let before = if before == 0 { String::new() } else { format!("\n({before} more before: --json)") };
    (!steps.is_empty()).then(|| format!("{}{before}", told.trim_fmt()))
}

/// How long ago, in the largest unit that fits; `-` for never.
pub(super) fn ago(at: &Value) -> String {
    let Some(at) = at.as_str().and_then(|at| humantime::parse_rfc3339(at).ok()) else { return "-".to_owned() };
    let now = UNIX_EPOCH + Duration::from_millis(SystemClock::start().now().as_u64());
    // A clock that goes after the host's: now.
    let seconds = now.duration_since(at).unwrap_or_default().as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or((1, "s"));
    format!("{} {name} ago", seconds / unit)
}
