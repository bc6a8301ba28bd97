//! What a new project has in it, and what its author does next.

use super::Refused;
use super::lock;
use super::sdk::Sdk;
use super::templates::{self, Embedded};
use crate::config::{Language, New};

/// A file of a new project.
pub(super) struct File {
    /// Below the project's folder.
    pub(super) path: String,
    pub(super) text: String,
}

/// A project that is not written yet.
pub(super) struct Project {
    /// `rust`, `js` or `python`.
    pub(super) language: &'static str,
    pub(super) files: Vec<File>,
    /// Commands, to be run in its folder.
    pub(super) next: Vec<String>,
    /// What its author should know of how it was asked for.
    pub(super) note: Option<String>,
}

/// The line of the Rust template that names the SDK.
const SDK_LINE: &str = "boxoffice-sdk = { path = \"../../sdk\" }";

/// A language's template.
struct Template {
    language: &'static str,
    files: &'static [Embedded],
    /// What the module is called in it.
    name: &'static str,
    /// Commands, with `NAME` for the module's name and `CRATE` for the same with `_`.
    next: &'static [&'static str],
}

const RUST: Template = Template {
    language: "rust",
    files: templates::RUST,
    name: "starter-rules",
    next: &[
        "cargo test",
        "cargo build --release --target wasm32-wasip2",
        "boxoffice rules test target/wasm32-wasip2/release/CRATE.wasm --contract standard",
        "boxoffice rules dev target/wasm32-wasip2/release/CRATE.wasm",
    ],
};

const JAVASCRIPT: Template = Template {
    language: "js",
    files: templates::JAVASCRIPT,
    name: "short-holds",
    next: &[
        "npm install",
        "npm test",
        "npm run build",
        "boxoffice rules test NAME.wasm --contract standard",
        "boxoffice rules dev NAME.wasm",
    ],
};

const PYTHON: Template = Template {
    language: "python",
    files: templates::PYTHON,
    name: "badges",
    next: &["make test", "make", "boxoffice rules test NAME.wasm --contract standard", "boxoffice rules dev NAME.wasm"],
};

impl Template {
    /// A file of the template in a project of another name.
    fn named(&self, file: &Embedded, name: &str) -> File {
        let text = renamed(file.text, self.name, name);
        let text = renamed(&text, &self.name.replace('-', "_"), &name.replace('-', "_"));
        // The type's name, too, where the language has one: `StarterRules`.
        File { path: file.path.to_owned(), text: renamed(&text, &in_camels(self.name), &in_camels(name)) }
    }
}

/// `text` with the word `now` wherever it had the word `was`, and nothing else: a part of a longer word stays.
fn renamed(text: &str, was: &str, now: &str) -> String {
    let is_of_a_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(was) {
        let (before, after) = (&rest[..at], &rest[at + was.len()..]);
        let begins = before.chars().next_back().or_else(|| told.chars().next_back());
        let is_whole = !begins.is_some_and(is_of_a_word) && !after.starts_with(is_of_a_word);
        told.push_str(before);
        told.push_str(if is_whole { now } else { was });
        rest = after;
    }
    told + rest
}

/// `my-rules` as `MyRules`.
fn in_camels(name: &str) -> String {
    name.split('-').fold(String::new(), |mut told, word| {
        let mut letters = word.chars();
        told.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        told + letters.as_str()
    })
}

impl Project {
    /// What these settings ask for.
    pub(super) fn of(settings: &New) -> Result<Self, Refused> {
        let template = match settings.lang {
            Language::Rust => &RUST,
            Language::Js => &JAVASCRIPT,
            Language::Python => &PYTHON,
        };
        let mut files: Vec<_> = template.files.iter().map(|file| template.named(file, &settings.name)).collect();
        let mut note = None;
        if settings.lang == Language::Rust {
            let sdk = Sdk::asked_for(settings.sdk.as_deref())?;
            for file in files.iter_mut().filter(|file| file.path == "Cargo.toml") {
                file.text = file.text.replace(SDK_LINE, &sdk.dependency());
            }
            lock::fit(&mut files, &settings.name, sdk.is_as_tested());
            note = sdk.note();
            files.extend(sdk.files());
        }
        files.extend(
            templates::WIT.iter().map(|file| File { path: format!("wit/{}", file.path), text: file.text.to_owned() }),
        );
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let crate_name = settings.name.replace('-', "_");
        let next = template.next.iter().map(|step| step.replace("NAME", &settings.name).replace("CRATE", &crate_name));
        Ok(Self { language: template.language, files, next: next.collect(), note })
    }
}
