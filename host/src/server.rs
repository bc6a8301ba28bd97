//! The only wiring: everything that a server is made of, put together and taken apart. `main` and the tests call the same functions.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::{Clock, Stopwatch};
use crate::config::Serve;
use crate::domain::{IdSource, RegistrationLimits};
use crate::http::{Acceptor, App, Drain, Phase, accept_loop, max_clients};
use crate::limiter::Limiter;
use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::shadow::{Shadow, ShadowReport};
use crate::store::sqlite::{OpenError, SqliteOptions, SqliteStore};
use crate::store::{Store, StoreFailure};
use crate::wasm::{Digest, Engine, LoadError, LoadRefusal, Loader, Manifest, Module, Occupancy, read_module};
use crate::{admin, http, sweeper};

/// The standard rules, built in.
pub(crate) const STANDARD_RULES: &[u8] = include_bytes!(env!("STANDARD_RULES_COMPONENT"));

/// Most connections of the operator's surface.
const MAX_ADMIN_CONNECTIONS: usize = 64;
/// What connections get to write their last answers at the least, once the grace is over.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// What the store gets to commit the running batch and to checkpoint: with the last words of both listeners, less than a second.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(700);

/// Everything that comes in from the edge.
pub struct Setup {
    /// Limits and paths. Its addresses are not used: the listeners are given.
    pub settings: Serve,
    /// For the REST API.
    pub listener: TcpListener,
    /// For the operator's surface.
    pub admin_listener: TcpListener,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where the store's ids come from.
    pub ids: IdSource,
    /// Where request ids and the guests' randomness come from.
    pub request_ids: IdSource,
    /// How the store is opened.
    pub store: SqliteOptions,
    /// A module that has been loaded already, instead of what the settings name: many servers in one process share it.
    pub module: Option<Arc<Module>>,
}

/// Why the server did not start: one line.
#[derive(Debug)]
pub enum StartError {
    /// The database cannot be used.
    Open(OpenError),
    /// The rules cannot be served.
    Rules(LoadError),
    /// Something of the machine's.
    Io(std::io::Error),
    /// The sandbox cannot be set up.
    Engine(String),
    /// Requests cannot be recorded where the settings say.
    Record(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Rules(error) if error.refusal == LoadRefusal::Unavailable => error.fmt(f),
            Self::Rules(error) => write!(f, "{error} ({}); {}", error.refusal.name(), error.refusal.advice()),
            Self::Io(error) => error.fmt(f),
            Self::Record(why) => f.write_str(why),
            Self::Engine(error) => write!(f, "the sandbox cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<std::io::Error> for StartError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    admin_address: SocketAddr,
    app: Arc<App>,
    store: Arc<SqliteStore>,
    phase: watch::Sender<Phase>,
    admin_phase: watch::Sender<Phase>,
    serving: JoinHandle<()>,
    admin: JoinHandle<()>,
    sweeping: JoinHandle<()>,
    grace: Duration,
}

impl Server {
    /// Opens the database, loads the rules and begins to serve.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        let Setup { settings, listener, admin_listener, clock, ids, request_ids, store, module } = setup;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);
        // First what can fail without a trace: a database is neither made nor locked for rules that cannot be served.
        let module = match module {
            Some(module) => module,
            None => Arc::new(load_rules(&settings).await?),
        };
        let recorder = match &settings.recording.record {
            Some(folder) => Some(Recorder::start(folder, &settings.recording).map_err(StartError::Record)?),
            None => None,
        };
        let db = settings.db.clone();
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&db, store, ids)).await;
        let store = Arc::new(opened.map_err(std::io::Error::other)?.map_err(StartError::Open)?);
        let app = Arc::new(App {
            clock: Arc::clone(&clock),
            rate_limit: settings.rate_limit(),
            limiter: settings.rate_limit().map(|limit| Mutex::new(Limiter::new(limit, max_clients(limit)))),
            auth: settings.auth,
            module,
            store: Arc::clone(&store) as Arc<dyn Store>,
            registration: RegistrationLimits { hold: settings.hold, max_quantity: settings.max_quantity },
            ids: Mutex::new(request_ids),
            max_body: settings.max_body.0,
            body_timeout: settings.body_timeout,
            drain: Drain::default(),
            metrics: Metrics::default(),
            recorder: recorder.map(Arc::new),
            shadow: RwLock::default(),
        });
        let acceptor = Acceptor {
            max_connections: settings.max_connections as usize,
            header_timeout: settings.header_timeout,
            write_timeout: settings.write_timeout,
        };
        let (phase, phases) = watch::channel(Phase::Serving);
        let (admin_phase, admin_phases) = watch::channel(Phase::Serving);
        let serving = tokio::spawn({
            let app = Arc::clone(&app);
            accept_loop(acceptor, listener, phases, move |peer, request| http::respond(Arc::clone(&app), peer, request))
        });
        let admin = tokio::spawn({
            let app = Arc::clone(&app);
            let acceptor = Acceptor { max_connections: MAX_ADMIN_CONNECTIONS, ..acceptor };
            accept_loop(acceptor, admin_listener, admin_phases, move |_, request| {
                std::future::ready(admin::respond(&app, &request))
            })
        });
        let sweeping = tokio::spawn(sweeper::run(Arc::clone(&store) as Arc<dyn Store>, clock, settings.sweep_interval));
        let grace = settings.grace;
        Ok(Self { address, admin_address, app, store, phase, admin_phase, serving, admin, sweeping, grace })
    }

    /// Where the REST API is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the operator's surface is.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The module that is served.
    #[must_use]
    pub fn module(&self) -> Digest {
        self.app.module.digest
    }

    /// What the module says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.app.module.manifest
    }

    /// The store, for tests and tools that look at it from inside the process.
    #[must_use]
    pub fn store(&self) -> &Arc<SqliteStore> {
        &self.store
    }

    /// Requests in flight now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.app.drain.in_flight()
    }

    /// What runs of the rules hold now.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        self.app.module.occupancy()
    }

    /// Lets a module run beside the one that is served, instead of the one that did before. It changes nothing and nobody sees its answers.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn begin_shadow(&self, module: Arc<Module>) -> std::io::Result<()> {
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        let shadow = Shadow::start(module, store, self.app.max_body, self.app.clock.now())?;
        *self.app.shadow.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(shadow));
        Ok(())
    }

    /// Ends it. What it has not compared by then never is.
    pub fn end_shadow(&self) {
        *self.app.shadow.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What the shadow has found so far; `None`: nothing runs as one.
    #[must_use]
    pub fn shadow_report(&self) -> Option<ShadowReport> {
        self.app.shadow().map(|shadow| shadow.report())
    }

    /// The engine that the module runs in, for tests and tools that load another one into it.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        self.app.module.engine()
    }

    /// Sweeps now; gives the number of holds released.
    pub async fn sweep(&self) -> Result<u64, StoreFailure> {
        sweeper::sweep(self.store.as_ref(), self.app.clock.as_ref()).await
    }

    /// Comes back when the store can take no more writes, and says why: then the process must end, and start again.
    pub async fn failed(&self) -> String {
        self.store.fatal().await
    }

    /// Stops accepting, gives requests in flight the grace, ends the rest, and closes the store.
    pub async fn stop(self) {
        self.app.drain.begin();
        self.end_shadow();
        self.sweeping.abort();
        // Receivers live as long as their tasks; if one has ended, there is nothing to tell it.
        let _ = self.phase.send(Phase::Draining);
        let grace = Stopwatch::start();
        let in_time = tokio::time::timeout(self.grace, self.app.drain.idle()).await.is_ok();
        let left = self.app.drain.in_flight();
        if !in_time {
            tracing::warn!(requests = left, "the grace is over; aborting what is left");
        }
        self.store.begin_shutdown();
        let _ = self.phase.send(Phase::Closing);
        // Idle connections end now; answers that are still being read have what is left of the grace.
        end(self.serving, self.grace.saturating_sub(grace.elapsed()).max(LAST_WORDS)).await;
        let _ = self.admin_phase.send(Phase::Closing);
        end(self.admin, LAST_WORDS).await;
        if tokio::time::timeout(CLOSE_TIMEOUT, self.store.close()).await.is_err() {
            tracing::warn!("the store did not close in time; the next start recovers its log");
        }
        // All that was in flight has been told.
        if let Some(recorder) = &self.app.recorder
            && tokio::time::timeout(LAST_WORDS, recorder.close()).await.is_err()
        {
            tracing::warn!("not all recordings were written in time");
        }
        tracing::info!(aborted = if in_time { 0 } else { left }, "stopped");
    }
}

/// Gives a task its last words, and then ends it.
async fn end(mut task: JoinHandle<()>, last_words: Duration) {
    if tokio::time::timeout(last_words, &mut task).await.is_err() {
        task.abort();
        // It was aborted, which is all that it could say.
        let _ = task.await;
    }
}

/// Loads the rules that the settings name, into an engine with the settings' limits.
pub async fn load_rules(settings: &Serve) -> Result<Module, StartError> {
    let engine = Engine::new(settings.limits.limits()).map_err(|error| StartError::Engine(format!("{error:#}")))?;
    let loader = Loader::new(Arc::new(engine), settings.compiling.compiler());
    let module = match &settings.rules {
        None => loader.load(STANDARD_RULES.to_vec()).await.map_err(StartError::Rules)?,
        Some(path) => {
            let named = |error: LoadError| {
                let message = format!("--rules {}: {}", path.display(), error.message);
                StartError::Rules(LoadError { message, ..error })
            };
            loader.load(read_module(path).await.map_err(named)?).await.map_err(named)?
        }
    };
    tracing::info!(
        module = %module.digest,
        name = module.manifest.name,
        module_version = module.manifest.version,
        cached = module.loaded.cached,
        compile_ms = millis(module.loaded.compiled_in),
        load_ms = millis(module.loaded.loaded_in),
        "rules loaded"
    );
    Ok(module)
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
