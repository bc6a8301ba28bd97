//! `boxoffice rules new`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The settings of `boxoffice rules new`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules new my-rules --lang rust
      the folder my-rules: the standard rules with one rule changed, tests, the contract, and how to go on
  boxoffice rules new my-rules --lang js --dir ~/projects
      ~/projects/my-rules, in JavaScript
  boxoffice rules new my-rules --lang rust --sdk ~/boxoffice/guest/sdk
      on the SDK of a checkout, instead of a copy of the one that this program has
  boxoffice rules new my-rules --lang rust --sdk 0.1.0
      on a version of the SDK from crates.io, once it is published there; without --sdk nothing of it is fetched")]
pub struct New {
    /// What the module is called: a to z, 0 to 9 and -, a letter first. So is its folder
    #[arg(value_name = "NAME")]
    pub name: String,

    /// What it is written in
    #[arg(long, value_name = "LANG")]
    pub lang: Language,

    /// Where the SDK of a Rust module is from: its folder (guest/sdk of a checkout), or the version that crates.io has, if it is
    /// published; a copy of this program's unless it is given
    #[arg(long, value_name = "PATH|VERSION")]
    pub sdk: Option<String>,

    /// The folder that the new one is made in
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,

    /// Print one JSON object, whatever comes of it
    #[arg(long)]
    pub json: bool,
}

/// The languages that there are projects for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust, on the SDK.
    Rust,
    /// JavaScript, with componentize-js.
    #[value(alias = "javascript")]
    Js,
    /// Python, with componentize-py.
    #[value(alias = "py")]
    Python,
}
