//! What a project can be called.

use super::Refused;
use crate::config::Language;

/// Most characters of a module's name, as the manifest has it.
const MAX_NAME: usize = 64;

/// Words that are something else to Rust or cargo.
const OF_RUST: [&str; 43] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
];
/// The others, and what the project depends on.
const OF_RUST_TOO: [&str; 20] = [
    "boxoffice-sdk",
    "build",
    "deps",
    "examples",
    "incremental",
    "override",
    "priv",
    "schemars",
    "serde",
    "serde-json",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// A name that the manifest takes, and the language's tools.
pub(super) fn check(name: &str, language: Language) -> Result<(), Refused> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends_well = !name.ends_with('-') && !name.contains("--");
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    if name.len() > MAX_NAME || !name.chars().all(good) || !starts_well || !ends_well {
        let message = format!("a module cannot be called {name:?}");
        let advice = "use a to z, 0 to 9 and single dashes, a letter first, at most 64 in all: my-rules";
        return Err(Refused::usage("bad-name", message, advice));
    }
    if language == Language::Rust && (OF_RUST.contains(&name) || OF_RUST_TOO.contains(&name)) {
        let message = format!("a package in Rust cannot be called {name:?}: cargo or the language has that word");
        return Err(Refused::usage("bad-name", message, "add a word to it, such as my-rules"));
    }
    Ok(())
}
