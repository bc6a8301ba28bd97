//! `boxoffice rules push|list|activate|rollback|delete` and `boxoffice check`: what operators do with a running host.

use std::fs::File;
use std::io::Read as _;
use std::process::ExitCode;

use bytesize::ByteSize;
use hyper::Method;
use serde_json::{Value, json};

use super::client::{Answer, Client, Failed, Sent};
use super::listing::{self, short};
use super::tell;
use super::terminal::{plain, sending, spinner};
use crate::config::{Activate, As, Delete, List, Prove, Push, Rollback, Surface};
use crate::trust::{MAX_SIGNATURE, Origin};
use crate::wasm::{Artifact, MAX_COMPONENT};

/// What shows what was done.
const SEE: &str = "boxoffice rules list";

/// Uploads a module, and lets it serve where that is wanted.
pub(super) async fn push(settings: &Push) -> ExitCode {
    finish(&settings.surface, pushed(settings).await)
}

async fn pushed(settings: &Push) -> Result<bool, Failed> {
    let client = Client::of(&settings.surface, SEE)?;
    let file = settings.file.display();
    let unreadable = |why: String| Failed::new("unreadable", why, "give the file of a component");
    let artifact = Artifact::read(&settings.file).await.map_err(|error| unreadable(format!("{file}: {error}")))?;
    if artifact.bytes.len() > MAX_COMPONENT {
        let most = MAX_COMPONENT / 1024 / 1024;
        let advice = "strip debug information, or leave out what the rules do not use";
        return Err(Failed::new("body_too_large", format!("{file}: it has more than {most} MiB"), advice));
    }
    let signature = signature(settings, &artifact)?;
    let bar = sending(artifact.bytes.len() as u64);
    let sent = Sent::Module(artifact.bytes.into(), signature, bar.clone());
    let answer = client.call(Method::POST, "/v1/modules", sent, "digest").await;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let answer = answer?;
    let known = answer.json["digest"].as_str().unwrap_or_default().to_owned();
    let mode = if settings.activate { Some(json!({"mode": "all"})) } else { mode(&settings.mode) };
    let told = |json: &Value| uploaded(json, mode.is_none());
    if !told_answer(&settings.surface, &answer, told) {
        return Ok(false);
    }
    match mode {
        Some(mode) => activated(&client, &settings.surface, &known, mode).await,
        None => Ok(true),
    }
}

/// The line of the signature's file: the one that is named, or the one beside the module.
fn signature(settings: &Push, artifact: &Artifact) -> Result<Option<String>, Failed> {
    let failed = |why: String| Failed::new("unreadable", why, "give the file that `boxoffice rules sign` has made");
    let text = match (&settings.signature, &artifact.origin) {
        (Some(path), _) => {
            let named = |why: String| failed(format!("{}: {why}", path.display()));
            let mut text = Vec::new();
            let file = File::open(path).map_err(|error| named(error.to_string()))?;
            file.take(MAX_SIGNATURE + 1).read_to_end(&mut text).map_err(|error| named(error.to_string()))?;
            text
        }
        (None, Origin::Signed(text)) => text.clone(),
        (None, Origin::Unreadable(why)) => return Err(failed(why.clone())),
        (None, Origin::Unsigned | Origin::BuiltIn) => return Ok(None),
    };
    let line = text.trim_ascii();
    match std::str::from_utf8(line) {
        Ok(text) if (1..=MAX_SIGNATURE).contains(&(line.len() as u64)) && line.iter().all(u8::is_ascii_graphic) => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(failed("the signature is not one short line of text".into())),
    }
}

fn mode(wanted: &As) -> Option<Value> {
    match wanted {
        As { canary: Some(share), .. } => Some(json!({"mode": "canary", "percent": share.as_percent()})),
        As { shadow: true, .. } => Some(json!({"mode": "shadow"})),
        As { .. } => None,
    }
}

fn uploaded(json: &Value, serves_nobody: bool) -> String {
    let text = |name: &str| plain(json[name].as_str().unwrap_or_default());
    let known = if json["known"] == true { ", known already" } else { "" };
    let signed = json["signed_by"].as_str().map_or(String::new(), |key| format!("\n  signed  by {}", plain(key)));
    let digest = text("digest");
    let next = format!("\nIt serves nobody yet: boxoffice rules activate {}", short(&digest));
    format!(
        "{} {}: {}\n  digest  {digest}{known}\n  size    {}{signed}{}",
        text("name"),
        text("version"),
        text("summary"),
        ByteSize(json["bytes"].as_u64().unwrap_or_default()),
        if serves_nobody { next.as_str() } else { "" },
    )
}

/// Says which modules there are.
pub(super) async fn list(settings: &List) -> ExitCode {
    let listed = async {
        let client = Client::of(&settings.surface, SEE)?;
        let answer = client.call(Method::GET, "/v1/modules", Sent::Nothing, "modules").await?;
        Ok(told_answer(&settings.surface, &answer, listing::report))
    };
    finish(&settings.surface, listed.await)
}

/// Lets a module serve.
pub(super) async fn activate(settings: &Activate) -> ExitCode {
    let wanted =
        if settings.off { json!({"mode": "off"}) } else { mode(&settings.mode).unwrap_or(json!({"mode": "all"})) };
    let done = async {
        let client = Client::of(&settings.surface, SEE)?;
        activated(&client, &settings.surface, &settings.module, wanted).await
    };
    finish(&settings.surface, done.await)
}

async fn activated(client: &Client, surface: &Surface, module: &str, mode: Value) -> Result<bool, Failed> {
    let spinner = spinner("waiting for the host, which may have to compile it");
    let answer =
        client.call(Method::POST, &format!("/v1/modules/{module}/activate"), Sent::Json(mode.clone()), "id").await;
    if let Some(spinner) = spinner {
        spinner.finish_and_clear();
    }
    Ok(told_answer(surface, &answer?, |json| {
        let module = listing::named(json);
        match mode["mode"].as_str() {
            Some("canary") => {
                let percent = mode["percent"].as_f64().unwrap_or_default();
                format!("{module} serves {percent} % of the callers now, and is watched")
            }
            Some("shadow") => format!("{module} runs beside the active module now, and changes nothing"),
            Some("off") => format!("{module} is neither canary nor shadow any longer"),
            _ => format!("{module} serves everybody now"),
        }
    }))
}

/// Undoes the last step.
pub(super) async fn roll_back(settings: &Rollback) -> ExitCode {
    let done = async {
        let client = Client::of(&settings.surface, SEE)?;
        let answer =
            client.call(Method::POST, "/v1/rollback", Sent::Json(json!({"active": settings.active})), "active").await?;
        Ok(told_answer(&settings.surface, &answer, |json| {
            let name = |field: &str| json[field].as_str().map(|id| short(&plain(id)).to_owned());
            let active = name("active").unwrap_or_default();
            match name("ended_canary") {
                Some(canary) => format!("the canary {canary} has ended; {active} serves everybody now"),
                None => format!("{active} serves everybody again"),
            }
        }))
    };
    finish(&settings.surface, done.await)
}

/// Deletes a module.
pub(super) async fn delete(settings: &Delete) -> ExitCode {
    let done = async {
        let client = Client::of(&settings.surface, SEE)?;
        let path = format!("/v1/modules/{}", settings.module);
        let answer = client.call(Method::DELETE, &path, Sent::Nothing, "deleted").await?;
        Ok(told_answer(&settings.surface, &answer, |json| {
            format!("{} is deleted", plain(json["deleted"].as_str().unwrap_or_default()))
        }))
    };
    finish(&settings.surface, done.await)
}

/// Proves the invariants of a running host.
pub(super) async fn prove(settings: &Prove) -> ExitCode {
    let proved = async {
        let client = Client::of(&settings.surface, SEE)?;
        let spinner = spinner("proving; it reads everything");
        let answer = client.call(Method::GET, "/v1/invariants", Sent::Nothing, "sound").await;
        if let Some(spinner) = spinner {
            spinner.finish_and_clear();
        }
        let answer = answer?;
        let told = told_answer(&settings.surface, &answer, |json| {
            let found = json["violations"].as_array().map_or(&[][..], Vec::as_slice);
            let lines = found.iter().map(|violation| format!("\n  {}", plain(violation.as_str().unwrap_or_default())));
            let lines: String = lines.collect();
            if json["sound"] == true { "everything holds".to_owned() } else { format!("violated:{lines}") }
        });
        Ok(told && answer.json["sound"] == true)
    };
    finish(&settings.surface, proved.await)
}

/// Tells an answer: as it is, or in words for people. Gives whether it was what was asked for, and could be told.
pub(super) fn told_answer(surface: &Surface, answer: &Answer, words: impl FnOnce(&Value) -> String) -> bool {
    let done = answer.status.is_success();
    if surface.json {
        return tell(&answer.json.to_string()).is_ok() && done;
    }
    if done {
        return tell(&words(&answer.json)).is_ok();
    }
    let text = |name: &str| answer.json[name].as_str().map(plain);
    let name = text("refusal").or_else(|| text("code")).unwrap_or_default();
    eprintln!("boxoffice: refused: {name}: {}", text("detail").unwrap_or_default());
    if let Some(advice) = text("advice") {
        eprintln!("  what to do: {advice}");
    }
    false
}

pub(super) fn finish(surface: &Surface, done: Result<bool, Failed>) -> ExitCode {
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failed) if surface.json => {
            let Failed { code, why, advice } = failed;
            // Whoever closed stdout does not want to know.
            let _ = tell(&json!({"code": code, "detail": why, "advice": advice}).to_string());
            ExitCode::FAILURE
        }
        Err(failed) => {
            eprintln!("boxoffice: {failed}");
            ExitCode::FAILURE
        }
    }
}
