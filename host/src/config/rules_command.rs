//! `boxoffice rules`: what there is for authors and operators of modules.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Activate, Compiling, Delete, Dev, List, New, Push, Rollback, RulesLimits, Trusting};

/// What `boxoffice rules` can do.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Say whether this host would serve a module, and what the module may do.
    Check(Box<Check>),
    /// Try on a throw-away host whether a module keeps the promises.
    Test(Box<Test>),
    /// Upload a module to a running host, which checks and keeps it.
    Push(Push),
    /// Say which modules a running host has, and which of them serves whom.
    List(List),
    /// Let a module of a running host serve everybody, some, or nobody.
    Activate(Activate),
    /// Undo the last step on a running host.
    Rollback(Rollback),
    /// Delete a module of a running host.
    Delete(Delete),
    /// Make a key to sign modules with.
    Keygen(Keygen),
    /// Sign a module.
    Sign(Sign),
    /// Begin a module: a project of your own that builds, with the contract and one rule changed.
    New(New),
    /// Try a module on a throw-away server, which serves it anew at each save and shows what each request does.
    Dev(Box<Dev>),
    /// Run a recorded request again, offline, and say what is different.
    Replay(Box<Replay>),
}

/// The settings of `boxoffice rules keygen`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules keygen rules.key
      rules.key, for you alone, and rules.key.pub, for the hosts that are to trust it
  boxoffice serve --rules my_rules.wasm --rules-trust rules.key.pub
      serves it if rules.key has signed it")]
pub struct Keygen {
    /// Where the private key goes, PKCS#8 in PEM; the public one goes to FILE.pub. Neither may be there
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The settings of `boxoffice rules sign`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules sign --key rules.key my_rules.wasm
      my_rules.wasm.sig: Ed25519 over the file's bytes, one line of base64")]
pub struct Sign {
    /// The private key, from `boxoffice rules keygen`
    #[arg(long, value_name = "FILE", env = "BOXOFFICE_SIGNING_KEY")]
    pub key: PathBuf,

    /// The module; its signature is put beside it, in place of the one before, as MODULE.sig
    #[arg(value_name = "MODULE")]
    pub module: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
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

    /// Folder of the host's modules, in which the recorded one is looked for if it is not built in
    #[arg(long, value_name = "DIR", env = "BOXOFFICE_MODULES_DIR", default_value = "events.db.modules")]
    pub modules_dir: PathBuf,

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

    /// Whose modules are served.
    #[command(flatten)]
    pub trusting: Trusting,

    /// What one run of the rules may use.
    #[command(flatten)]
    pub limits: RulesLimits,

    /// What compiling a module may take. Nothing is kept, unless a folder is named: a check is to show what the first start costs.
    #[command(flatten)]
    pub compiling: Compiling,
}

/// The settings of `boxoffice rules test`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules test my_rules.wasm
      what holds for every module: no seat is sold twice, roles hold, bad input never traps, ...
  boxoffice rules test my_rules.wasm --contract standard
      and the REST contract of the standard rules, line by line
  boxoffice rules test my_rules.wasm --only no-oversell bad-input
      some of it
  boxoffice rules test my_rules.wasm --json | jq '.checks[] | select(.outcome == \"failed\")'
      for scripts; exit code 0: all passed, 1: something failed or the module was refused, 2: wrong usage
  boxoffice rules test - < my_rules.wasm
      from stdin")]
pub struct Test {
    /// The component; `-` reads it from stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// What the module claims beyond what holds for all: the standard rules' REST contract, that of bookings, or nothing
    #[arg(long, value_name = "CONTRACT", default_value = "none")]
    pub contract: Contract,

    /// Print one JSON object, whatever comes of it
    #[arg(long)]
    pub json: bool,

    /// Where ids and mutations of requests come from: the same number, the same run
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Run these checks alone, by the names in the report
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub only: Vec<String>,

    /// Whose modules are served.
    #[command(flatten)]
    pub trusting: Trusting,

    /// What one run of the rules may use.
    #[command(flatten)]
    pub limits: RulesLimits,

    /// What compiling a module may take. Nothing is kept, unless a folder is named.
    #[command(flatten)]
    pub compiling: Compiling,
}

/// What a module claims beyond what holds for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Contract {
    /// Nothing: only what holds for every module.
    None,
    /// The REST contract of the standard rules.
    Standard,
    /// Every answer in an envelope, and `POST /bookings`.
    Bookings,
}

impl Contract {
    /// The name, as the flag has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Standard => "standard",
            Self::Bookings => "bookings",
        }
    }
}
