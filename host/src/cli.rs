//! The commands beside `serve`: each does one thing, says what came of it, and ends.

mod check;
mod replay;

use std::process::ExitCode;

use crate::config::RulesCommand;
use crate::telemetry;

/// Does what `boxoffice rules` was asked for.
#[must_use]
pub fn rules(command: RulesCommand) -> ExitCode {
    telemetry::start_for_command();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("boxoffice: {error}");
            return ExitCode::FAILURE;
        }
    };
    match command {
        RulesCommand::Check(settings) => runtime.block_on(check::check(&settings)),
        RulesCommand::Replay(settings) => runtime.block_on(replay::run(&settings)),
    }
}
