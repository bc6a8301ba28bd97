//! `boxoffice rules`: what there is for authors and operators of modules.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Compiling, RulesLimits};

/// What `boxoffice rules` can do.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Say whether this host would serve a module, and what the module may do.
    Check(Box<Check>),
    /// Run a recorded request again, offline, and say what is different.
    Replay(Box<Replay>),
}

/// The settings of `boxoffice rules replay`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice serve --record recordings
      records requests that fail; the files hold personal data
  boxoffice rules replay recordings/1795253400000-r1-0123456789ab.json
      again, on what was recorded: no network, no database. Exit code 0: identical, 1: different, or it cannot be done
  boxoffice rules replay FILE --rules fixed.wasm --json | jq .difference
      what another module does first that the recorded one did not do")]
pub struct Replay {
    /// The recording
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Run it in this component, instead of the one that was recorded
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,

    /// Folder of modules, as <digest>.wasm, in which the recorded one is looked for if it is not built in
    #[arg(long, value_name = "DIR", env = "BOXOFFICE_MODULES_DIR")]
    pub modules_dir: Option<PathBuf>,

    /// Print one JSON object, whatever comes of it
    #[arg(long)]
    pub json: bool,

    /// What compiling a module may take. Nothing is kept, unless a folder is named.
    #[command(flatten)]
    pub compiling: Compiling,
}

/// The settings of `boxoffice rules check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules check my_rules.wasm
      what it is and what it may do; or in a line or two, why not
  boxoffice rules check my_rules.wasm --json | jq .refusal
      for scripts; exit code 0: this host would serve it, 1: it would not
  boxoffice rules check - < my_rules.wasm
      from stdin")]
pub struct Check {
    /// The component; `-` reads it from stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Print one JSON object, whatever comes of it
    #[arg(long)]
    pub json: bool,

    /// What one run of the rules may use.
    #[command(flatten)]
    pub limits: RulesLimits,

    /// What compiling a module may take. Nothing is kept, unless a folder is named: a check is to show what the first start costs.
    #[command(flatten)]
    pub compiling: Compiling,
}
