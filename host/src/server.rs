//! The only wiring: everything that a server is made of, put together and taken apart. `main` and the tests call the same functions.

mod starting;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;
use tokio::sync::watch::{Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::admin::Admin;
use crate::auth::{self, ApiKeys, AuthMode};
use crate::clock::{Clock, Stopwatch};
use crate::config::Serve;
use crate::domain::{IdSource, RegistrationLimits};
use crate::http::{Acceptor, App, Cors, Drain, Phase, Proxies, accept_loop, max_clients};
use crate::limiter::Limiters;
use crate::memo::Memo;
use crate::registry::Registry;
use crate::seen::Observer;
use crate::shadow::ShadowReport;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{Store, StoreFailure};
use crate::sweeper::Sweeper;
use crate::wasm::{Module, Occupancy};
use crate::watch;
use crate::{admin, http};
use starting::Parts;

pub use starting::{StartError, load_rules};

/// The standard rules, built in: a component.
pub const STANDARD_RULES: &[u8] = include_bytes!(env!("STANDARD_RULES_COMPONENT"));

/// Most connections of the operator's surface.
const MAX_ADMIN_CONNECTIONS: usize = 256;
/// How long one of them may say nothing: so many silent ones cannot keep probes and operators out for longer.
const ADMIN_HEADER_TIMEOUT: Duration = Duration::from_secs(2);
/// What connections get to write their last answers at the least, once the grace is over.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// What it may take, once all requests have ended, to write down when API keys were used last. Out of the second that the process has after
/// the grace.
const LAST_NOTES: Duration = Duration::from_millis(50);
/// What the store gets to commit the running batch and to checkpoint, and beside it the registry and the recorder: with the last words
/// of both listeners and the notes of API keys 900 ms, which leaves the rest of the second for the process to end.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(650);

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
    sweeper: Sweeper,
    sweeping: JoinHandle<()>,
    keeping: JoinHandle<()>,
    /// What looks at files again (the rules, the certificate, the keys of tokens), and writes down when keys were used.
    watching: Vec<JoinHandle<()>>,
    grace: Duration,
}

impl Server {
    /// Opens the database, loads the rules and begins to serve.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        Self::start_observed(setup, None).await
    }

    /// The same, where somebody looks at every request: a throw-away host.
    pub(crate) async fn start_observed(setup: Setup, observer: Option<Arc<dyn Observer>>) -> Result<Self, StartError> {
        let Setup { settings, listener, admin_listener, clock, ids, request_ids, store, module } = setup;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);
        // Large, and needed once.
        let mut parts = Box::pin(Parts::make(&settings, ids, store, module, &clock)).await?;
        let watched = parts.watched.clone().map(|(look, path)| (look, path, Arc::clone(&parts.registry)));
        let (looked, token_keys) = (parts.tls.clone(), parts.token_keys.take());
        let app = Arc::new(App { observer, ..app(&settings, request_ids, clock, parts) });
        let (phase, phases) = channel(Phase::Serving);
        let (admin_phase, admin_phases) = channel(Phase::Serving);
        let acceptor = acceptor(&settings, &app);
        let serving = tokio::spawn({
            let (app, acceptor) = (Arc::clone(&app), acceptor.clone());
            accept_loop(acceptor, listener, phases, move |peer, request| http::respond(Arc::clone(&app), peer, request))
        });
        let admin = tokio::spawn({
            let admin = Arc::new(Admin::new(Arc::clone(&app), settings.operating.upload_timeout));
            let acceptor = Acceptor {
                max_connections: MAX_ADMIN_CONNECTIONS,
                header_timeout: settings.header_timeout.min(ADMIN_HEADER_TIMEOUT),
                open: Gauge::default(),
                // On loopback, for those who are on the machine.
                tls: None,
                ..acceptor
            };
            accept_loop(acceptor, admin_listener, admin_phases, move |peer, request| {
                admin::respond(Arc::clone(&admin), peer, request)
            })
        });
        let sweeper = Sweeper {
            store: Arc::clone(&app.store),
            clock: Arc::clone(&app.clock),
            keys: Arc::clone(app.auth.keys()),
            audit_retention: settings.audit_retention,
            sweeps: app.metrics.sweeps.clone(),
            doubted: Arc::default(),
        };
        let sweeping = tokio::spawn(sweeper.clone().run(settings.sweep_interval));
        let mut watching = vec![tokio::spawn(auth::note_uses(Arc::clone(app.auth.keys())))];
        watching.extend(watched.map(|(look, path, registry)| tokio::spawn(watch::run(path, look, registry))));
        watching.extend(looked.map(|(tls, look)| tokio::spawn(tls.run(look))));
        watching.extend(token_keys.map(|keys| tokio::spawn(keys.run())));
        let keeping = tokio::spawn(Arc::clone(&app.registry).run());
        let (grace, store) = (settings.grace, Arc::clone(&app.database));
        Ok(Self {
            address,
            admin_address,
            app,
            store,
            phase,
            admin_phase,
            serving,
            admin,
            sweeper,
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
        self.sweeper.sweep().await
    }

    /// Comes back when the store can take no more writes, and says why: then the process must end, and start again.
    pub async fn failed(&self) -> String {
        self.store.fatal().await
    }

    /// What was used when the end began, which is written already or soon, and what has been used since.
    async fn last_uses(&self, noting: JoinHandle<()>) {
        // It panicked, which was told.
        let _ = noting.await;
        last_notes(Arc::clone(self.app.auth.keys())).await;
    }

    /// Stops accepting, gives requests in flight the grace, ends the rest, and closes the store.
    pub async fn stop(self) {
        self.app.drain.begin();
        self.app.registry.stop_judging();
        self.sweeping.abort();
        self.watching.iter().for_each(JoinHandle::abort);
        // Receivers live as long as their tasks; if one has ended, there is nothing to tell it.
        let _ = self.phase.send(Phase::Draining);
        let grace = Stopwatch::start();
        let noting = tokio::spawn(last_notes(Arc::clone(self.app.auth.keys())));
        let in_time = timeout(self.grace, self.app.drain.idle()).await.is_ok();
        let left = self.app.drain.in_flight();
        if !in_time {
            tracing::warn!(requests = left, "the grace is over; aborting what is left");
            // No more writes, and nothing that is waited for: the grace is not to be overrun.
            noting.abort();
        } else if timeout(LAST_NOTES, self.last_uses(noting)).await.is_err() {
            tracing::warn!("when API keys were used last is not written down whole");
        }
        self.store.begin_shutdown();
        let _ = self.phase.send(Phase::Closing);
        // Idle connections end now; answers that are still being read have what is left of the grace.
        end(self.serving, self.grace.saturating_sub(grace.elapsed()).max(LAST_WORDS)).await;
        let _ = self.admin_phase.send(Phase::Closing);
        end(self.admin, LAST_WORDS).await;
        self.keeping.abort();
        let registry = self.app.registry.close();
        let store = async { tokio::join!(self.store.close(), registry) };
        // All that was in flight has been told.
        let recorder = async {
            if let Some(recorder) = &self.app.recorder {
                recorder.close().await;
            }
        };
        let (store, recorder) = (timeout(CLOSE_TIMEOUT, store), timeout(CLOSE_TIMEOUT, recorder));
        let (store, recorder) = tokio::join!(store, recorder);
        if store.is_err() {
            tracing::warn!("the store did not close in time; the next start recovers its log");
        }
        if recorder.is_err() {
            tracing::warn!("not all recordings were written in time");
        }
        tracing::info!(aborted = if in_time { 0 } else { left }, "stopped");
    }
}

/// Writes down when API keys were used last.
async fn last_notes(keys: Arc<ApiKeys>) {
    if let Err(failure) = keys.note_uses().await {
        tracing::warn!(?failure, "when API keys were used last is not written down");
    }
}

/// Everything that a request needs.
fn app(settings: &Serve, request_ids: IdSource, clock: Arc<dyn Clock>, parts: Parts) -> App {
    let Parts { operator, metrics, watched: _, tls, registry, recorder, store, auth, token_keys: _ } = parts;
    let memo = settings.memo.0.and_then(|bytes| {
        let (hits, misses) = (metrics.memo_hits.clone(), metrics.memo_misses.clone());
        Memo::new(bytes, Arc::clone(&store) as Arc<dyn Store>, hits, misses)
    });
    App {
        clock,
        rate_limit: settings.rate_limit(),
        limiter: settings.rate_limit().map(|limit| Mutex::new(Limiters::new(limit, max_clients(limit)))),
        rate_limit_by: settings.network.rate_limit_by,
        proxies: Proxies::new(settings.network.trusted_proxy.clone()),
        cors: Cors::new(&settings.network.cors_origin, settings.auth == AuthMode::Header),
        tls: tls.map(|(tls, _)| tls),
        auth,
        registry,
        operator,
        store: Arc::clone(&store) as Arc<dyn Store>,
        memo,
        registration: RegistrationLimits { hold: settings.hold, max_quantity: settings.max_quantity },
        ids: Mutex::new(request_ids),
        max_body: settings.max_body.0,
        body_timeout: settings.body_timeout,
        drain: Drain::default(),
        metrics,
        database: store,
        recorder: recorder.map(Arc::new),
        observer: None,
    }
}

/// Of the REST API.
fn acceptor(settings: &Serve, app: &App) -> Acceptor {
    Acceptor {
        max_connections: settings.max_connections as usize,
        header_timeout: settings.header_timeout,
        write_timeout: settings.write_timeout,
        open: app.metrics.connections.clone(),
        tls: app.tls.clone(),
        tls_failures: app.metrics.tls_handshake_failures.clone(),
    }
}

/// Gives a task its last words, and then ends it.
async fn end(mut task: JoinHandle<()>, last_words: Duration) {
    if timeout(last_words, &mut task).await.is_err() {
        task.abort();
        // It was aborted, which is all that it could say.
        let _ = task.await;
    }
}
