//! `boxoffice rules dev FILE`: the real server with a module, in a folder that goes with it. It shows what each request does, and serves the
//! file anew whenever it changes.

mod changes;
mod json;
mod news;
mod paint;
mod people;
mod shown;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::ending::Ending;
use super::here;
use super::terminal::spinner;
use crate::bind;
use crate::clock::SystemClock;
use crate::config::Dev;
use crate::domain::IdSource;
use crate::registry::Registry;
use crate::throwaway::{Throwaway, ThrowawaySetup};
use crate::wasm::{Engine, Loader, Module};
use crate::watch::{Look, Noticed, Served, Watching, serve_read};
use news::{News, Printing, Teller};

/// What its last words may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves the file until somebody ends it.
pub(super) async fn dev(settings: &Dev) -> ExitCode {
    let (teller, mut printing) = match news::start(settings.json) {
        Ok(started) => started,
        Err(error) => {
            eprintln!("boxoffice: {error}");
            return ExitCode::FAILURE;
        }
    };
    let why = run(settings, &teller, &mut printing).await.err();
    printing.finish(&teller, why.clone(), LAST_WORDS).await;
    match why {
        None => ExitCode::SUCCESS,
        Some(why) => {
            if !settings.json {
                eprintln!("boxoffice: {why}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: &Dev, teller: &Arc<Teller>, printing: &mut Printing) -> Result<(), String> {
    let mut ending = Ending::listen().map_err(|error| error.to_string())?;
    let listener = listen(settings)?;
    // As if there had been no file so far: what is there is read at once.
    let mut watching = Watching::from(settings.file.clone(), Look { module: None, signature: None });
    let running = tokio::select! {
        started = start(settings, listener, &mut watching, teller) => started?,
        () = ending.asked_for() => return Ok(()),
        () = printing.broken() => return Ok(()),
    };
    let ended = tokio::select! {
        () = follow(&mut watching, running.server.registry(), teller) => Ok(()),
        why = running.server.failed() => Err(format!("the database failed: {why}; start again")),
        () = ending.asked_for() => Ok(()),
        // Whoever closed stdout does not want to know.
        () = printing.broken() => Ok(()),
    };
    tokio::select! {
        () = running.stop() => ended,
        // Whoever asks twice means it.
        () = ending.asked_for() => Err("ended by a second signal".to_owned()),
    }
}

fn listen(settings: &Dev) -> Result<TcpListener, String> {
    let address = settings.listen;
    bind(address).map_err(|error| {
        let free = "stop what is there, or choose another address (--listen 127.0.0.1:0 picks a free port)";
        format!("--listen {address}: {error}; {free}")
    })
}

/// Waits for a file that can be served, and starts the server with it.
async fn start(
    settings: &Dev,
    listener: TcpListener,
    watching: &mut Watching,
    teller: &Arc<Teller>,
) -> Result<Throwaway, String> {
    let engine = Engine::telling_lines(settings.limits.limits(), &here());
    let engine = engine.map_err(|error| format!("the sandbox cannot be set up: {error:#}"))?;
    let loader = Loader::new(Arc::new(engine), settings.compiling.compiler());
    let module = first(&loader, watching, teller).await;
    let running = Throwaway::start(ThrowawaySetup {
        settings: settings.of_server(),
        listener: Some(listener),
        clock: Arc::new(SystemClock::start()),
        ids: [IdSource::from_system(), IdSource::from_system()],
        module: Some(Arc::clone(&module)),
        observer: Arc::clone(teller) as _,
    });
    let running = running.await.map_err(|error| error.to_string())?;
    teller.tell(News::Serving { address: running.server.address(), module }).await;
    Ok(running)
}

/// The first build that can be served, however many cannot be before it.
async fn first(loader: &Loader, watching: &mut Watching, teller: &Teller) -> Arc<Module> {
    if !watching.path().exists() {
        teller.tell(News::Waiting { file: watching.path().to_owned() }).await;
    }
    loop {
        let Noticed::Changed(read) = watching.noticed().await else { continue };
        let spinner = spinner("compiling and checking");
        let done = match read {
            Ok(artifact) => loader.load(artifact).await,
            Err(error) => Err(error),
        };
        if let Some(spinner) = spinner {
            spinner.finish_and_clear();
        }
        match watching.dealt_with(done) {
            Ok(module) => return Arc::new(module),
            Err(Some(error)) => teller.tell(News::Refused { error, serving: None }).await,
            Err(None) => {}
        }
    }
}

/// Serves what the file has whenever it changes. Never comes back.
async fn follow(watching: &mut Watching, registry: &Registry, teller: &Teller) {
    loop {
        let Noticed::Changed(read) = watching.noticed().await else {
            teller.tell(News::Missing { serving: Arc::clone(&registry.serving().active) }).await;
            continue;
        };
        if let Ok(artifact) = &read {
            teller.tell(News::Checking { bytes: artifact.bytes.len() }).await;
        }
        let served = serve_read(read, registry).await;
        match watching.dealt_with(served) {
            Ok(Served::Same) => teller.tell(News::Same).await,
            Ok(Served::Swapped { module, before }) => teller.tell(News::Swapped { module, before }).await,
            Err(Some(error)) => {
                let serving = Some(Arc::clone(&registry.serving().active));
                teller.tell(News::Refused { error, serving }).await;
            }
            Err(None) => {}
        }
    }
}
