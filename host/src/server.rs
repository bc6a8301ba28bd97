//! The only wiring: everything that a server is made of, put together and taken apart. `main` and the tests call the same functions.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;
use tokio::sync::watch::{Sender, channel};
use tokio::task::JoinHandle;

use crate::admin::Admin;
use crate::clock::{Clock, Stopwatch};
use crate::config::Serve;
use crate::domain::{IdSource, RegistrationLimits};
use crate::http::{Acceptor, App, Drain, Phase, accept_loop, max_clients};
use crate::limiter::Limiter;
use crate::metrics::Metrics;
use crate::operator::{MAX_TOKEN, Operator};
use crate::recorder::Recorder;
use crate::registry::{Registry, RegistrySetup};
use crate::shadow::ShadowReport;
use crate::store::sqlite::{OpenError, SqliteOptions, SqliteStore};
use crate::store::{Store, StoreFailure};
use crate::trust::KeyError;
use crate::wasm::{Artifact, Engine, LoadError, LoadRefusal, Loader, Module, Occupancy};
use crate::watch::{self, Look};
use crate::{admin, http, sweeper};

/// The standard rules, built in: a component.
pub const STANDARD_RULES: &[u8] = include_bytes!(env!("STANDARD_RULES_COMPONENT"));

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
    /// The built-in rules, if they have been loaded already: many servers in one process share them.
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
    /// The operator's token cannot be read.
    Token(String),
    /// The folder of modules cannot be used.
    Modules(String),
    /// A key to trust cannot be read.
    Trust(KeyError),
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
            Self::Token(error) | Self::Modules(error) | Self::Record(error) => f.write_str(error),
            Self::Trust(error) => write!(f, "--rules-trust {error}"),
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
    phase: Sender<Phase>,
    admin_phase: Sender<Phase>,
    serving: JoinHandle<()>,
    admin: JoinHandle<()>,
    sweeping: JoinHandle<()>,
    keeping: JoinHandle<()>,
    watching: Option<JoinHandle<()>>,
    grace: Duration,
}

impl Server {
    /// Opens the database, loads the rules and begins to serve.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        let Setup { settings, listener, admin_listener, clock, ids, request_ids, store, module } = setup;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);
        // First what can fail without a trace: a database is neither made nor locked for rules that cannot be served.
        let operator = read_token(settings.operating.admin_token_file.as_deref())?;
        let metrics = Arc::new(Metrics::new(&store.metrics, clock.now()));
        // Before the file is read: what changes meanwhile is seen.
        let watched = settings.rules.clone().filter(|_| settings.watch).map(|path| (Look::at(&path), path));
        let registry = registry(&settings, module, Arc::clone(&clock), Arc::clone(&metrics)).await?;
        let recorder = match &settings.recording.record {
            Some(folder) => Some(Recorder::start(folder, &settings.recording).map_err(StartError::Record)?),
            None => None,
        };
        let db = settings.db.clone();
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&db, store, ids)).await;
        let store = Arc::new(opened.map_err(std::io::Error::other)?.map_err(StartError::Open)?);
        // Last: where something else fails, there is no folder yet.
        if let Err(why) = registry.own_folder().await {
            store.close().await;
            return Err(StartError::Modules(why));
        }
        registry.let_shadows_run(Arc::clone(&store) as Arc<dyn Store>, settings.max_body.0).await;
        let app = Arc::new(App {
            clock: Arc::clone(&clock),
            rate_limit: settings.rate_limit(),
            limiter: settings.rate_limit().map(|limit| Mutex::new(Limiter::new(limit, max_clients(limit)))),
            auth: settings.auth,
            registry: Arc::clone(&registry),
            operator,
            store: Arc::clone(&store) as Arc<dyn Store>,
            registration: RegistrationLimits { hold: settings.hold, max_quantity: settings.max_quantity },
            ids: Mutex::new(request_ids),
            max_body: settings.max_body.0,
            body_timeout: settings.body_timeout,
            drain: Drain::default(),
            metrics: Arc::clone(&metrics),
            database: Arc::clone(&store),
            recorder: recorder.map(Arc::new),
        });
        let acceptor = Acceptor {
            max_connections: settings.max_connections as usize,
            header_timeout: settings.header_timeout,
            write_timeout: settings.write_timeout,
            open: metrics.connections.clone(),
        };
        let (phase, phases) = channel(Phase::Serving);
        let (admin_phase, admin_phases) = channel(Phase::Serving);
        let serving = tokio::spawn({
            let app = Arc::clone(&app);
            let acceptor = acceptor.clone();
            accept_loop(acceptor, listener, phases, move |peer, request| http::respond(Arc::clone(&app), peer, request))
        });
        let admin = tokio::spawn({
            let admin = Arc::new(Admin::new(Arc::clone(&app), settings.operating.upload_timeout));
            let acceptor = Acceptor { max_connections: MAX_ADMIN_CONNECTIONS, open: Gauge::default(), ..acceptor };
            accept_loop(acceptor, admin_listener, admin_phases, move |peer, request| {
                admin::respond(Arc::clone(&admin), peer, request)
            })
        });
        let sweeping = sweeper::run(Arc::clone(&store) as _, clock, settings.sweep_interval, metrics.sweeps.clone());
        let sweeping = tokio::spawn(sweeping);
        let watching = watched.map(|(look, path)| tokio::spawn(watch::run(path, look, Arc::clone(&registry))));
        let keeping = tokio::spawn(registry.run());
        let grace = settings.grace;
        Ok(Self {
            address,
            admin_address,
            app,
            store,
            phase,
            admin_phase,
            serving,
            admin,
            sweeping,
            keeping,
            watching,
            grace,
        })
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

    /// The module that serves everybody now.
    #[must_use]
    pub fn module(&self) -> Arc<Module> {
        Arc::clone(&self.registry().serving().active)
    }

    /// All versions of the rules.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.app.registry
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
        self.module().occupancy()
    }

    /// What the shadow has found so far; `None`: nothing runs as one.
    #[must_use]
    pub fn shadow_report(&self) -> Option<ShadowReport> {
        self.registry().serving().shadow.as_ref().map(|shadow| shadow.report())
    }

    /// Sweeps now; gives the number of holds released.
    pub async fn sweep(&self) -> Result<u64, StoreFailure> {
        sweeper::sweep(self.store.as_ref(), self.app.clock.as_ref(), &self.app.metrics.sweeps).await
    }

    /// Comes back when the store can take no more writes, and says why: then the process must end, and start again.
    pub async fn failed(&self) -> String {
        self.store.fatal().await
    }

    /// Stops accepting, gives requests in flight the grace, ends the rest, and closes the store.
    pub async fn stop(self) {
        self.app.drain.begin();
        self.sweeping.abort();
        if let Some(watching) = &self.watching {
            watching.abort();
        }
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
        self.keeping.abort();
        let registry = self.app.registry.close();
        let closed = tokio::time::timeout(CLOSE_TIMEOUT, async { tokio::join!(self.store.close(), registry) });
        if closed.await.is_err() {
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
    let loader = loader(settings)?;
    match load_pinned(&loader, settings).await? {
        Some(module) => Ok(module),
        None => loader.load(Artifact::built_in(STANDARD_RULES.to_vec())).await.map_err(StartError::Rules),
    }
}

fn loader(settings: &Serve) -> Result<Loader, StartError> {
    let engine = Engine::new(settings.limits.limits()).map_err(|error| StartError::Engine(format!("{error:#}")))?;
    loader_into(Arc::new(engine), settings)
}

fn loader_into(engine: Arc<Engine>, settings: &Serve) -> Result<Loader, StartError> {
    let trust = settings.trusting.trust().map_err(StartError::Trust)?;
    Ok(Loader::new(engine, settings.compiling.compiler()).trusting(trust))
}

/// The module of `--rules FILE`, if that is given.
async fn load_pinned(loader: &Loader, settings: &Serve) -> Result<Option<Module>, StartError> {
    let Some(path) = &settings.rules else { return Ok(None) };
    let named = |error: LoadError| {
        let message = format!("--rules {}: {}", path.display(), error.message);
        StartError::Rules(LoadError { message, ..error })
    };
    loader.load(Artifact::read(path).await.map_err(named)?).await.map(Some).map_err(named)
}

async fn registry(
    settings: &Serve,
    standard: Option<Arc<Module>>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
) -> Result<Arc<Registry>, StartError> {
    let loader = match &standard {
        Some(module) => loader_into(Arc::clone(module.engine()), settings)?,
        None => loader(settings)?,
    };
    let pinned = load_pinned(&loader, settings).await?;
    let setup = RegistrySetup {
        pinned: settings.rules.clone().zip(pinned.map(Arc::new)),
        loader,
        standard: (standard, STANDARD_RULES),
        folder: settings.modules_dir(),
        policy: settings.operating.canary_policy(),
        metrics,
        clock,
    };
    let registry = Registry::start(setup).await.map_err(StartError::Rules)?;
    let module = Arc::clone(&registry.serving().active);
    tracing::info!(
        module = %module.digest,
        name = module.manifest.name,
        module_version = module.manifest.version,
        cached = module.loaded.cached,
        compile_ms = millis(module.loaded.compiled_in),
        load_ms = millis(module.loaded.loaded_in),
        "rules loaded"
    );
    Ok(registry)
}

/// The operator of this token file; nobody without one.
fn read_token(path: Option<&Path>) -> Result<Operator, StartError> {
    let Some(path) = path else { return Ok(Operator::none()) };
    let named = |why: String| StartError::Token(format!("--admin-token-file {}: {why}", path.display()));
    let file = File::open(path).map_err(|error| named(error.to_string()))?;
    let mode = file.metadata().map_err(|error| named(error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!("--admin-token-file {path}: others may read it or change it; chmod 600 {path}");
    }
    let mut text = String::new();
    file.take(MAX_TOKEN as u64 + 2).read_to_string(&mut text).map_err(|error| named(error.to_string()))?;
    Operator::with_token(&text).map_err(named)
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
