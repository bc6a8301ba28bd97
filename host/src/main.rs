//! The program: reads the settings, starts the server, waits for a signal, drains. No logic.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use boxoffice::auth::AuthMode;
use boxoffice::clock::SystemClock;
use boxoffice::config::{Cli, Command, ConfigError, Serve, first_line};
use boxoffice::domain::IdSource;
use boxoffice::store::sqlite::SqliteOptions;
use boxoffice::wasm::compile_module;
use boxoffice::{Server, Setup, cli, process, telemetry};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGXFSZ, on every Linux but MIPS.
const FILE_TOO_LARGE: i32 = 25;
/// The command line or the settings are wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let (read, sources) = match Cli::read(std::env::args_os()) {
        Ok(settings) => settings,
        Err(error) => return refuse(&error),
    };
    let mut settings = match read.command {
        Command::Serve(settings) => settings,
        Command::Rules(command) => return cli::rules(command),
        Command::Check(settings) => return cli::prove(&settings),
        Command::Keys(command) => return cli::keys(command),
        Command::Token(settings) => return cli::token(&settings),
        Command::CompileModule => return compile_module(),
    };
    settings.cache_beside_database();
    if settings.print_config {
        print!("{}", sources.table());
        return ExitCode::SUCCESS;
    }
    match serve(*settings, sources.unknown_environment()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // Some libraries say more than one line; the first one names it.
            eprintln!("boxoffice: {}", why.lines().next().unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

fn refuse(error: &ConfigError) -> ExitCode {
    match error {
        ConfigError::Usage(error) if !error.use_stderr() => {
            print!("{error}");
            return ExitCode::SUCCESS;
        }
        ConfigError::Usage(error) => eprintln!("boxoffice: {}; see --help", first_line(error)),
        ConfigError::Invalid(why) => eprintln!("boxoffice: {why}"),
    }
    ExitCode::from(USAGE)
}

fn serve(mut settings: Serve, unknown_environment: &[String]) -> Result<(), String> {
    // What is still buffered when this function returns is written then.
    let _log = telemetry::start(&settings)?;
    telemetry::log_panics();
    process::fit_connections(&mut settings);
    for name in unknown_environment {
        tracing::warn!("{name} is no setting; `boxoffice serve --help` lists the environment variables");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
    let ended = runtime.block_on(run(settings));
    // What still runs has had its time: the process ends now.
    runtime.shutdown_background();
    ended
}

async fn run(settings: Serve) -> Result<(), String> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    // Heard and ignored: a file over the limit of its size is then an error of writing, like a full disk, and not the end of the process.
    let _file_too_large = signal(SignalKind::from_raw(FILE_TOO_LARGE)).map_err(|e| e.to_string())?;
    let listener = bind("--listen", settings.listen)?;
    let admin_listener = bind("--admin-listen", settings.admin_listen)?;
    let db = settings.db.clone();
    let scheme = if settings.network.tls_cert.is_some() { "https" } else { "http" };
    if settings.allow_insecure_header_auth && settings.auth == AuthMode::Header {
        tracing::warn!("--allow-insecure-header-auth: anybody who reaches this server can take any role");
    }
    if let Some(why) = settings.in_the_clear() {
        tracing::warn!("{why}");
    }
    let starting = Server::start(Setup {
        settings,
        listener,
        admin_listener,
        clock: Arc::new(SystemClock::start()),
        ids: IdSource::from_system(),
        request_ids: IdSource::from_system(),
        store: SqliteOptions::default(),
        module: None,
    });
    let server = tokio::select! {
        started = starting => started.map_err(|error| error.to_string())?,
        // Nothing was promised yet, and nobody should wait for what is not wanted any more.
        () = either(&mut interrupt, &mut terminate) => return Ok(()),
    };
    tracing::info!(
        address = %server.address(),
        url = %format_args!("{scheme}://{}", server.address()),
        admin_address = %server.admin_address(),
        db = %db.display(),
        module = %server.module().digest,
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    let failed = tokio::select! {
        () = either(&mut interrupt, &mut terminate) => None,
        why = server.failed() => Some(why),
    };
    tracing::info!("stopping");
    tokio::select! {
        () = server.stop() => {}
        // Whoever asks twice means it.
        () = either(&mut interrupt, &mut terminate) => return Err("ended by a second signal".into()),
    }
    match failed {
        Some(why) => Err(format!("the database failed: {why}; start again to recover")),
        None => Ok(()),
    }
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener, String> {
    boxoffice::bind(address).map_err(|error| format!("{flag} {address}: {error}"))
}
