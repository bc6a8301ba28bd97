//! `boxoffice rules replay FILE`

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::terminal::spinner;
use super::{here, tell};
use crate::config::Replay;
use crate::difference::{short, short_outcome};
use crate::recorder::file::{BadRecording, RecordedRequest, read};
use crate::replay::{Difference, Replayed, replay};
use crate::seen::Came;
use crate::server::STANDARD_RULES;
use crate::wasm::{Digest, Engine, LoadError, LoadRefusal, Loader, Module, Place, read_module};

/// Most characters of a line for people; `--json` has all of it.
const MAX_LINE: usize = 2_000;

/// Why there is no replay.
struct Refused {
    name: &'static str,
    message: String,
    advice: &'static str,
}

impl From<BadRecording> for Refused {
    fn from(bad: BadRecording) -> Self {
        Self { name: bad.name(), message: bad.to_string(), advice: bad.advice() }
    }
}

impl From<LoadError> for Refused {
    fn from(error: LoadError) -> Self {
        Self { name: error.refusal.name(), advice: error.refusal.advice(), message: error.message }
    }
}

/// Runs a recorded request again, and says whether it does the same, or what it does first that is something else.
pub(super) async fn run(settings: &Replay) -> ExitCode {
    let spinner = spinner("running it again");
    let done = again(settings).await;
    if let Some(spinner) = spinner {
        spinner.finish_and_clear();
    }
    let (told, same) = match done {
        Ok((recorded, module, replayed)) => {
            let same = replayed.difference.is_none();
            let text = if settings.json {
                as_json(&recorded, &module, &replayed).to_string()
            } else {
                for_people(&recorded, &module, &replayed)
            };
            (tell(&text), same)
        }
        Err(Refused { name, message, advice }) if settings.json => {
            let refused = json!({"identical": null, "refusal": name, "message": message, "advice": advice});
            (tell(&refused.to_string()), false)
        }
        Err(Refused { name, message, advice }) => {
            eprintln!("boxoffice: {}: refused: {name}: {message}\n  what to do: {advice}", settings.file.display());
            (Ok(()), false)
        }
    };
    // Whoever closed stdout does not want to know.
    if same && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn again(settings: &Replay) -> Result<(RecordedRequest, Module, Replayed), Refused> {
    let file = settings.file.clone();
    let reading = tokio::task::spawn_blocking(move || read(&file)).await;
    let recorded = reading.map_err(|error| BadRecording::Unreadable(std::io::Error::other(error)))??;
    let module = load(settings, &recorded).await?;
    let replayed = replay(&recorded, &module).await;
    Ok((recorded, module, replayed))
}

/// The module that `--rules` names, or else the one that was recorded, wherever it is found.
async fn load(settings: &Replay, recorded: &RecordedRequest) -> Result<Module, Refused> {
    let wanted = &recorded.module.digest;
    let kept = settings.modules_dir.join(format!("{wanted}.wasm"));
    let bytes = match &settings.rules {
        Some(path) => read_named("--rules", path).await?,
        None if Digest::of(STANDARD_RULES).to_string() == *wanted => STANDARD_RULES.to_vec(),
        None if kept.exists() => {
            let bytes = read_named("--modules-dir", &kept).await?;
            if Digest::of(&bytes).to_string() != *wanted {
                let message = format!("{} is another module than its name says", kept.display());
                return Err(Refused { name: "wrong-module", message, advice: "name the module with --rules" });
            }
            bytes
        }
        None => {
            let (name, version, folder) =
                (&recorded.module.name, &recorded.module.version, settings.modules_dir.display());
            let message = format!(
                "it was recorded with {name} {version} ({wanted}), which is neither built in nor in {folder} (--modules-dir)"
            );
            return Err(Refused {
                name: "no-module",
                message,
                advice: "name the module with --rules, or the folder of the host's modules with --modules-dir",
            });
        }
    };
    let mut limits = recorded.limits;
    // One run, in a fresh instance.
    (limits.instances, limits.reuse) = (1, 1);
    if !recorded.outcome.is_of_time() {
        // A slower machine must not find another end than the recorded one.
        let generous = |limit: Duration| (limit * 10).max(Duration::from_secs(10));
        (limits.cpu, limits.timeout) = (generous(limits.cpu), generous(limits.timeout));
    }
    let engine = Engine::telling_lines(limits, &here()).map_err(|error| {
        LoadError::new(LoadRefusal::Unavailable, format!("the sandbox cannot be set up: {error:#}"))
    })?;
    Ok(Loader::new(Arc::new(engine), settings.compiling.compiler()).load(bytes).await?)
}

async fn read_named(flag: &str, path: &Path) -> Result<Vec<u8>, LoadError> {
    read_module(path).await.map_err(|error| {
        let message = format!("{flag} {}: {}", path.display(), error.message);
        LoadError { message, ..error }
    })
}

fn as_json(recorded: &RecordedRequest, module: &Module, replayed: &Replayed) -> Value {
    let request = &recorded.request;
    let manifest = &module.manifest;
    let difference = replayed.difference.as_ref().map(|difference| {
        json!({
            "at": difference.at,
            "number": difference.number,
            "what": difference.what,
            "recorded": difference.recorded,
            "now": difference.now,
        })
    });
    json!({
        "identical": replayed.difference.is_none(),
        "request": {
            "id": request.request_id,
            "method": request.method,
            "path": request.path,
            "query": request.raw_query,
            "route": request.route_id,
        },
        "recorded": {
            "why": recorded.why,
            "at_ms": recorded.recorded_at_ms,
            "module": recorded.module,
            "host_calls": recorded.calls.len(),
            "outcome": short_outcome(&recorded.outcome),
        },
        "now": {
            "module": {
                "digest": module.digest.to_string(),
                "name": manifest.name,
                "version": manifest.version,
            },
            "host_calls": replayed.host_calls,
            "outcome": short(&replayed.came),
            "places": places(replayed),
        },
        "difference": difference,
        "notes": replayed.notes,
    })
}

fn for_people(recorded: &RecordedRequest, module: &Module, replayed: &Replayed) -> String {
    let (request, was, manifest) = (&recorded.request, &recorded.module, &module.manifest);
    let at = humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(recorded.recorded_at_ms.min(MAX_MS)));
    let verdict = if replayed.difference.is_none() { "identical" } else { "different" };
    let query = request.raw_query.as_ref().map_or_else(String::new, |query| format!("?{query}"));
    let mut lines = vec![
        format!("{verdict}: {} {}{query} (request {})", request.method, request.path, request.request_id),
        format!(
            "  recorded  {at} with {} {} ({}): {}, {}",
            was.name,
            was.version,
            was.digest.get(..12).unwrap_or_default(),
            calls(recorded.calls.len()),
            short_outcome(&recorded.outcome)
        ),
        format!(
            "  now       with {} {} ({}): {}, {}",
            manifest.name,
            manifest.version,
            module.digest.short(),
            calls(replayed.host_calls),
            short(&replayed.came)
        ),
    ];
    let places = places(replayed);
    if !places.is_empty() {
        let places: Vec<_> = places.iter().map(Place::to_string).collect();
        lines.push(format!("            in {}", places.join(" < ")));
    }
    if let Some(Difference { at, number, what, recorded, now }) = &replayed.difference {
        let number = number.map_or_else(String::new, |number| format!(" {number}"));
        lines.push(format!("\n{at}{number}: {what}"));
        lines.push(format!("  recorded  {recorded}"));
        lines.push(format!("  now       {now}"));
    }
    lines.extend(replayed.notes.iter().map(|note| format!("note: {note}")));
    lines.iter().map(|line| shown(line)).collect::<Vec<_>>().join("\n")
}

/// Where the run trapped in its author's files, as far as the module says.
fn places(replayed: &Replayed) -> &[Place] {
    if let Came::Failed(failure) = &replayed.came { &failure.places } else { &[] }
}

/// The last moment that can be written.
const MAX_MS: u64 = 253_402_300_799_999;

fn calls(count: usize) -> String {
    if count == 1 { "1 host call".to_owned() } else { format!("{count} host calls") }
}

/// A line, cut; texts of clients and modules move no terminal's cursor.
fn shown(line: &str) -> String {
    let cut = &line[..line.floor_char_boundary(MAX_LINE)];
    let more = if cut.len() < line.len() { "…" } else { "" };
    let visible = |c: char| if c.is_control() && c != '\n' { c.escape_unicode().to_string() } else { c.to_string() };
    cut.chars().map(visible).collect::<String>() + more
}
