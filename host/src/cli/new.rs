//! `boxoffice rules new NAME`: a project of an author's own.

mod folder;
mod lock;
mod name;
mod project;
mod sdk;
mod templates;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::tell;
use super::terminal::plain;
use crate::config::{Language, New};
use project::Project;

/// The command line is wrong.
const USAGE: u8 = 2;

/// Why there is no project.
#[derive(Debug)]
pub(super) struct Refused {
    name: &'static str,
    message: String,
    advice: &'static str,
    /// Whether the command line itself is wrong, whatever there is on the disk.
    is_usage: bool,
}

impl Refused {
    fn new(name: &'static str, message: impl Into<String>, advice: &'static str) -> Self {
        Self { name, message: message.into(), advice, is_usage: false }
    }

    fn usage(name: &'static str, message: impl Into<String>, advice: &'static str) -> Self {
        Self { is_usage: true, ..Self::new(name, message, advice) }
    }
}

/// Makes it, and says how to go on.
pub(super) fn new(settings: &New) -> ExitCode {
    let made = make(settings);
    let told = match (&made, settings.json) {
        (Ok((project, path)), true) => {
            let files: Vec<_> = project.files.iter().map(|file| file.path.as_str()).collect();
            let made = json!({
                "made": path.display().to_string(),
                "name": settings.name,
                "lang": project.language,
                "files": files,
                "next": project.next,
                "note": project.note,
            });
            tell(&made.to_string())
        }
        (Ok((project, path)), false) => tell(&for_people(project, path)),
        (Err(Refused { name, message, advice, .. }), true) => {
            tell(&json!({"made": null, "refusal": name, "message": message, "advice": advice}).to_string())
        }
        (Err(Refused { name, message, advice, .. }), false) => {
            eprintln!("boxoffice: refused: {name}: {}\n  what to do: {advice}", plain(message));
            Ok(())
        }
    };
    match made {
        Err(refused) if refused.is_usage => ExitCode::from(USAGE),
        Ok(_) if told.is_ok() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn make(settings: &New) -> Result<(Project, PathBuf), Refused> {
    name::check(&settings.name, settings.lang)?;
    if settings.sdk.is_some() && settings.lang != Language::Rust {
        let message = "--sdk: only a module in Rust is built on the SDK";
        return Err(Refused::usage("no-sdk", message, "leave it out; the library is a part of the project"));
    }
    let project = Project::of(settings)?;
    let path = folder::write(&settings.dir, &settings.name, &project.files)?;
    Ok((project, path))
}

fn for_people(project: &Project, path: &Path) -> String {
    let (path, count) = (plain(&path.display().to_string()), project.files.len());
    let note = project.note.as_ref().map_or_else(String::new, |note| format!("note: {}\n", plain(note)));
    let steps: Vec<_> = project.next.iter().map(|step| format!("  {step}")).collect();
    format!(
        "made {path}: {count} files, the standard rules with one rule changed; see README.md\n{note}\nnext:\n  cd {path}\n{}",
        steps.join("\n")
    )
}
