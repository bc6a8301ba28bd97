//! One module: loaded, checked, and run.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use super::answer::Answer;
use super::bindings::exports::boxoffice::rules::handler::Request;
use super::bindings::{Rules, RulesPre};
use super::cpu::{CpuMeter, Metered};
use super::engine::{Engine, MemoryLimits};
use super::failure::{Cause, Failure, LoadError, RunError, explain};
use super::imports::tell_dropped;
use super::manifest::Manifest;
use super::router::Router;
use super::run::{Grants, Run};
use crate::domain::Millis;

/// Most bytes of a component: the largest honest ones, a JavaScript or Python runtime included, have under 20 MB.
const MAX_COMPONENT: usize = 64 * 1024 * 1024;

/// SHA-256 of a component's bytes: the name of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first 12 hexadecimal digits: enough to tell modules apart in a log line.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A module that can be served.
pub struct Module {
    /// Its name for machines.
    pub digest: Digest,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its routes, compiled.
    pub router: Router,
    short: Arc<str>,
    pre: RulesPre<Run>,
    engine: Arc<Engine>,
}

/// A run, for the access log.
#[derive(Debug)]
pub struct Report {
    /// The answer, or why there is none.
    pub result: Result<Answer, RunError>,
    /// CPU time that the guest used, in microseconds, instantiation included.
    pub guest_micros: u64,
    /// Time that its host calls took, in microseconds, waiting included.
    pub store_micros: u64,
}

impl Module {
    /// Compiles and checks a component. Takes its time: not for a thread that serves.
    ///
    /// # Errors
    /// Why it cannot be served, for its author.
    pub async fn load(engine: &Arc<Engine>, bytes: Vec<u8>) -> Result<Self, LoadError> {
        if bytes.len() > MAX_COMPONENT {
            return Err(LoadError(format!("the module has {} bytes, more than {MAX_COMPONENT}", bytes.len())));
        }
        let digest = Digest::of(&bytes);
        let compiling = Arc::clone(engine);
        let pre = tokio::task::spawn_blocking(move || compile(&compiling, &bytes))
            .await
            .map_err(|error| LoadError(format!("compiling the module failed: {error}")))??;
        let engine = Arc::clone(engine);
        let manifest = Manifest::check(describe(&engine, &pre).await?)?;
        let router = Router::compile(&manifest)?;
        Ok(Self { digest, manifest, router, short: digest.short().into(), pre, engine })
    }

    /// Runs the guest for one request, in an instance of its own, which is gone afterwards.
    pub async fn handle(&self, request: &Request, grants: Grants, seed: u64) -> Report {
        let permit = match self.engine.permit().await {
            Ok(permit) => permit,
            Err(failure) => {
                return Report { result: Err(RunError::Failed(failure)), guest_micros: 0, store_micros: 0 };
            }
        };
        let now = Millis::from_u64(request.now_ms).unwrap_or(Millis::MAX);
        let mut run = Run::new(Some(grants), now, seed, self.memory());
        run.request_id.clone_from(&request.request_id);
        run.digest = Arc::clone(&self.short);
        let mut store = self.engine.store_for(run);
        let (cpu, pre) = (Arc::clone(&store.data().cpu), &self.pre);
        let called = within_limits(&self.engine, &cpu, async {
            let rules = pre.instantiate_async(&mut store).await?;
            rules.boxoffice_rules_handler().call_handle(&mut store, request).await
        })
        .await;
        let run = store.into_data();
        tell_dropped(&run);
        // The instance has gone back to the pool before the next request is let in.
        drop(permit);
        let result = match called {
            Ok(Ok(response)) => Answer::check(response).map_err(RunError::Failed),
            Ok(Err(error)) => Err(explain(&error, run.output.text())),
            Err(timeout) => Err(RunError::Failed(Failure { output: run.output.text(), ..timeout })),
        };
        Report { result, guest_micros: cpu.used() / 1000, store_micros: run.store_micros }
    }

    /// Its digest, shortened, for log lines.
    #[must_use]
    pub fn short_digest(&self) -> &Arc<str> {
        &self.short
    }

    fn memory(&self) -> MemoryLimits {
        MemoryLimits { bytes: self.engine.limits.memory }
    }
}

/// Measures the CPU time of a run and bounds its wall-clock time.
async fn within_limits<T>(
    engine: &Engine,
    cpu: &Arc<CpuMeter>,
    run: impl Future<Output = wasmtime::Result<T>>,
) -> Result<wasmtime::Result<T>, Failure> {
    let limit = engine.limits.timeout;
    let timed = tokio::time::timeout(limit, Metered::new(run, Arc::clone(cpu))).await;
    timed.map_err(|_| Failure::new(Cause::WallClock, format!("no answer within {}", humantime::format_duration(limit))))
}

fn compile(engine: &Engine, bytes: &[u8]) -> Result<RulesPre<Run>, LoadError> {
    let component = Component::new(&engine.inner, bytes)
        .map_err(|error| LoadError(format!("the module is not a valid component: {}", error.root_cause())))?;
    check_imports(engine, &component)?;
    let pre = engine
        .linker
        .instantiate_pre(&component)
        .map_err(|error| LoadError(format!("the module's imports do not fit this host: {error:#}")))?;
    RulesPre::new(pre).map_err(|error| {
        LoadError(format!("the module does not export what boxoffice:rules/rules@0.1.0 asks for: {error:#}"))
    })
}

/// What this host offers, for a difference that a person can read; wasmtime's own account names one missing function.
const OFFERED: &str = "boxoffice:rules/{types,events,tickets,log}@0.1.0 and inert wasi:{cli,clocks,io,random}@0.2";

fn check_imports(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let known = |name: &str| {
        let (interface, version) = name.split_once('@').unwrap_or((name, ""));
        match interface.split_once(':') {
            Some(("boxoffice", _)) => version == "0.1.0" || version.starts_with("0.1."),
            Some(("wasi", rest)) => {
                let package = rest.split('/').next().unwrap_or(rest);
                ["cli", "clocks", "io", "random"].contains(&package) && version.starts_with("0.2.")
            }
            _ => false,
        }
    };
    let component_type = component.component_type();
    let mut imports = component_type.imports(&engine.inner).map(|(name, _)| name);
    match imports.find(|name| !known(name)) {
        Some(name) => Err(LoadError(format!("the module wants {name}, and this host offers {OFFERED}"))),
        None => Ok(()),
    }
}

async fn describe(
    engine: &Engine,
    pre: &RulesPre<Run>,
) -> Result<super::bindings::exports::boxoffice::rules::manifest::ModuleManifest, LoadError> {
    let refuse = |why: String| LoadError(format!("the module does not describe itself: {why}"));
    let _permit = engine.permit().await.map_err(|failure| refuse(failure.to_string()))?;
    let memory = MemoryLimits { bytes: engine.limits.memory };
    let mut store = engine.store_for(Run::new(None, Millis(0), 0, memory));
    let cpu = Arc::clone(&store.data().cpu);
    let called = within_limits(engine, &cpu, async {
        let rules: Rules = pre.instantiate_async(&mut store).await?;
        rules.boxoffice_rules_manifest().call_describe(&mut store).await
    })
    .await;
    match called {
        Ok(Ok(manifest)) => Ok(manifest),
        Ok(Err(error)) => Err(match explain(&error, store.data().output.text()) {
            RunError::Failed(failure) => refuse(failure.to_string()),
            RunError::Store(failure) => refuse(format!("{failure:?}")),
        }),
        Err(timeout) => Err(refuse(timeout.to_string())),
    }
}
