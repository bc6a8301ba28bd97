//! What a server needs before it can serve, in the order in which it can fail: what leaves no trace first.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::STANDARD_RULES;
use crate::auth::{ApiKeys, Authenticator, ClaimRules, Jwt, Rotation};
use crate::clock::Clock;
use crate::config::Serve;
use crate::domain::IdSource;
use crate::http::Tls;
use crate::metrics::Metrics;
use crate::operator::{Operator, read_token};
use crate::recorder::Recorder;
use crate::registry::{Registry, RegistrySetup};
use crate::store::sqlite::{OpenError, ReadOnly, SqliteOptions, SqliteStore};
use crate::trust::KeyError;
use crate::wasm::{Artifact, Engine, LoadError, LoadRefusal, Loader, Module};
use crate::watch::Look;

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
    /// Nothing can be served with this certificate and key.
    Tls(String),
    /// The keys that callers are known by cannot be used.
    Credentials(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Rules(error) if error.refusal == LoadRefusal::Unavailable => error.fmt(f),
            Self::Rules(error) => write!(f, "{error} ({}); {}", error.refusal.name(), error.refusal.advice()),
            Self::Io(error) => error.fmt(f),
            Self::Token(error)
            | Self::Modules(error)
            | Self::Record(error)
            | Self::Tls(error)
            | Self::Credentials(error) => f.write_str(error),
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

/// What is there before the first request.
pub(super) struct Parts {
    pub(super) operator: Operator,
    pub(super) metrics: Arc<Metrics>,
    /// The file to watch, and what it was before it was read.
    pub(super) watched: Option<(Look, PathBuf)>,
    /// What to serve with, and what its files were before they were read.
    pub(super) tls: Option<(Arc<Tls>, Look)>,
    pub(super) registry: Arc<Registry>,
    pub(super) recorder: Option<Recorder>,
    pub(super) store: Arc<SqliteStore>,
    pub(super) auth: Authenticator,
    /// The keys of tokens, where those are taken.
    pub(super) token_keys: Option<Rotation>,
}

impl Parts {
    /// A database is neither made nor locked for rules that cannot be served, and no folder for a database that cannot be opened.
    pub(super) async fn make(
        settings: &Serve,
        ids: IdSource,
        options: SqliteOptions,
        module: Option<Arc<Module>>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let operator = operator_of(settings.operating.admin_token_file.as_deref())?;
        let metrics = Arc::new(Metrics::new(&options.metrics, clock.now()));
        // Before the file is read: what changes meanwhile is seen.
        let watched = settings.rules.clone().filter(|_| settings.watch).map(|path| (Look::at(&path), path));
        let tls = tls(settings, clock)?;
        let token_keys = token_keys(settings, &metrics).await?;
        settings.recording.record.as_deref().map_or(Ok(()), Recorder::check).map_err(StartError::Record)?;
        let registry = registry(settings, module, Arc::clone(clock), Arc::clone(&metrics)).await?;
        let db = settings.db.clone();
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(&db, options, ids)).await;
        let store = Arc::new(opened.map_err(std::io::Error::other)?.map_err(StartError::Open)?);
        if let Err(why) = registry.own_folder().await {
            store.close().await;
            return Err(StartError::Modules(why));
        }
        let recorder = match recorder(settings, &metrics) {
            Ok(recorder) => recorder,
            Err(why) => {
                store.close().await;
                return Err(StartError::Record(why));
            }
        };
        let keys = match ApiKeys::load(Arc::clone(&store), clock.wall()).await {
            Ok(keys) => Arc::new(keys),
            Err(why) => {
                store.close().await;
                return Err(StartError::Credentials(why));
            }
        };
        let (may_search, refused) = (settings.allow_insecure_header_auth, metrics.credentials.clone());
        let jwt = token_keys.as_ref().map(|keys| Arc::clone(&keys.jwt));
        let auth = Authenticator::new(settings.auth, may_search, jwt, keys, refused);
        let beside = Arc::new(ReadOnly::of(&store, Handle::current()));
        registry.let_shadows_run(beside, settings.max_body.0).await;
        Ok(Self { operator, metrics, watched, tls, registry, recorder, store, auth, token_keys })
    }
}

/// The certificate and its key, where they are given.
fn tls(settings: &Serve, clock: &Arc<dyn Clock>) -> Result<Option<(Arc<Tls>, Look)>, StartError> {
    let (Some(certificate), Some(key)) = (&settings.network.tls_cert, &settings.network.tls_key) else {
        return Ok(None);
    };
    let (tls, look) = Tls::start(certificate, key, Arc::clone(clock)).map_err(StartError::Tls)?;
    Ok(Some((Arc::new(tls), look)))
}

/// The keys that tokens are checked with, where tokens are taken.
async fn token_keys(settings: &Serve, metrics: &Metrics) -> Result<Option<Rotation>, StartError> {
    let Some(source) = settings.jwt.key_source() else { return Ok(None) };
    let reading = source.clone();
    // Before the file is read: what changes meanwhile is seen.
    let read = tokio::task::spawn_blocking(move || (reading.look(), reading.read())).await;
    let (first, keys) = read.map_err(std::io::Error::other)?;
    let keys = keys.map_err(|why| StartError::Credentials(format!("{} {why}", source.name())))?;
    tracing::info!(keys = keys.len(), "{}: the keys of tokens", source.name());
    let jwt = Arc::new(Jwt::new(keys, ClaimRules::of(&settings.jwt)));
    Ok(Some(Rotation { jwt, source, first, changes: metrics.token_keys.clone() }))
}

/// Who records, if somebody is to.
fn recorder(settings: &Serve, metrics: &Metrics) -> Result<Option<Recorder>, String> {
    let start = |folder: &PathBuf| Recorder::start(folder, &settings.recording, metrics.recorded.clone());
    settings.recording.record.as_ref().map(start).transpose()
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
fn operator_of(path: Option<&Path>) -> Result<Operator, StartError> {
    let Some(path) = path else { return Ok(Operator::none()) };
    let named = |why: String| StartError::Token(format!("--admin-token-file {}: {why}", path.display()));
    let read = read_token(path).map_err(named)?;
    if read.is_open {
        let path = path.display();
        tracing::warn!("--admin-token-file {path}: others may read it or change it; chmod 600 {path}");
    }
    Operator::with_token(&read.token).map_err(named)
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
