//! The commands beside `serve`: each does one thing, says what came of it, and ends.

mod check;
mod client;
mod dev;
mod ending;
mod keys;
mod listing;
mod new;
mod operate;
mod replay;
mod signing;
mod terminal;
mod test;
mod token;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::{KeysCommand, Prove, RulesCommand, Token};
use crate::telemetry;

/// What the log says where each request is shown anyway, with what the module logs and why it fails.
const SHOWN_ANYWAY: &str = "warn,rules=off,access=off,boxoffice::http::access_log=off";

/// Does what `boxoffice rules` was asked for.
#[must_use]
pub fn rules(command: RulesCommand) -> ExitCode {
    let shows = matches!(command, RulesCommand::Dev(_) | RulesCommand::Test(_));
    let log = if shows { SHOWN_ANYWAY } else { WARNINGS };
    run_with(log, async {
        match command {
            RulesCommand::Check(settings) => check::check(&settings).await,
            RulesCommand::Test(settings) => test::test(&settings).await,
            RulesCommand::Keygen(settings) => signing::keygen(&settings),
            RulesCommand::Sign(settings) => signing::sign_module(&settings).await,
            RulesCommand::Push(settings) => operate::push(&settings).await,
            RulesCommand::List(settings) => operate::list(&settings).await,
            RulesCommand::Activate(settings) => operate::activate(&settings).await,
            RulesCommand::Rollback(settings) => operate::roll_back(&settings).await,
            RulesCommand::Delete(settings) => operate::delete(&settings).await,
            RulesCommand::New(settings) => new::new(&settings),
            RulesCommand::Dev(settings) => dev::dev(&settings).await,
            RulesCommand::Replay(settings) => replay::run(&settings).await,
        }
    })
}

/// Does what `boxoffice check` was asked for.
#[must_use]
pub fn prove(settings: &Prove) -> ExitCode {
    run(operate::prove(settings))
}

/// Does what `boxoffice keys` was asked for.
#[must_use]
pub fn keys(command: KeysCommand) -> ExitCode {
    run(async {
        match command {
            KeysCommand::Create(settings) => keys::create(&settings).await,
            KeysCommand::List(settings) => keys::list(&settings).await,
            KeysCommand::Revoke(settings) => keys::revoke(&settings).await,
        }
    })
}

/// Does what `boxoffice token` was asked for.
#[must_use]
pub fn token(settings: &Token) -> ExitCode {
    token::issue(settings)
}

/// What most commands log.
const WARNINGS: &str = "warn";

fn run(command: impl Future<Output = ExitCode>) -> ExitCode {
    run_with(WARNINGS, command)
}

fn run_with(log: &str, command: impl Future<Output = ExitCode>) -> ExitCode {
    telemetry::start_for_command(log);
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => {
            eprintln!("boxoffice: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The folder that paths in messages are told from.
fn here() -> PathBuf {
    // Where there is none, all paths are told whole.
    std::env::current_dir().unwrap_or_default()
}

/// Unlike `println!`, without a panic when nobody reads.
fn tell(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{text}")
}
