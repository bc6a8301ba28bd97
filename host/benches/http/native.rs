//! The server with native rules: all that the program is, but the rules run outside of any sandbox.
//!
//! They are the crate that the component is built of, before a host made of the same store. What the program costs more is the sandbox.

mod convert;
mod host;
mod stack;

use std::ffi::OsString;
use std::sync::Arc;

use boxoffice::clock::SystemClock;
use boxoffice::config::{Cli, Command, Serve};
use boxoffice::domain::IdSource;
use boxoffice::store::sqlite::SqliteOptions;
use boxoffice::wasm::CompilerProgram;
use boxoffice::{Server, Setup, bind, load_rules, process, telemetry};
use tokio::signal::unix::{SignalKind, signal};

use stack::Natively;

/// Serves as `boxoffice serve` does with these arguments, until it is told to end.
pub(crate) fn serve(arguments: impl IntoIterator<Item = OsString>) -> Result<(), String> {
    let arguments = [OsString::from("boxoffice"), "serve".into()].into_iter().chain(arguments);
    let (read, _) = Cli::read(arguments).map_err(|error| format!("{error:?}"))?;
    let Command::Serve(mut settings) = read.command else { return Err("only `serve` has native rules".into()) };
    settings.cache_beside_database();
    // This process is no compiler, and the module is no stranger's.
    settings.compiling.program = CompilerProgram::Here;
    let _log = telemetry::start(&settings)?;
    telemetry::log_panics();
    process::fit_connections(&mut settings);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(run(*settings))
}

async fn run(settings: Serve) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let module = load_rules(&settings).await.map_err(|error| error.to_string())?;
    let setup = Setup {
        listener: bind(settings.listen).map_err(|error| error.to_string())?,
        admin_listener: bind(settings.admin_listen).map_err(|error| error.to_string())?,
        clock: Arc::new(SystemClock::start()),
        ids: IdSource::from_system(),
        request_ids: IdSource::from_system(),
        store: SqliteOptions::default(),
        module: Some(Arc::new(module.natively(Arc::new(Natively::default())))),
        settings,
    };
    let server = Server::start(setup).await.map_err(|error| error.to_string())?;
    terminate.recv().await;
    server.stop().await;
    Ok(())
}
