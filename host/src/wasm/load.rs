//! From a file to a module that can be served: the one path that `boxoffice serve`, `boxoffice rules check` and the tests share.
//!
//! Size, signature, compilation, limits, imports, exports, manifest, routes, a smoke call: each step refuses by name, and nothing of the module runs
//! before its bytes are validated, its imports are known and its limits are set. What takes long happens on other threads and in another
//! process: serving goes on.

mod artifact;
mod contract;
mod smoke;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Component;

use super::bindings::exports::boxoffice::rules::handler::GuestIndices;
use super::bindings::exports::boxoffice::rules::manifest::ModuleManifest;
use super::bindings::{Rules, RulesPre};
use super::compiler::{Compiler, blocking};
use super::engine::{Engine, Lane};
use super::failure::{Cause, Failure, LoadError, LoadRefusal, NotBegun, RunError, explain};
use super::manifest::{Manifest, refuse};
use super::module::{Digest, Module, within_limits};
use super::router::Router;
use super::run::{Answers, Run};
use crate::clock::Stopwatch;
use crate::domain::Millis;
use crate::openapi::Descriptions;
use crate::trust::{KeyName, Trust, Untrusted};
pub use artifact::Artifact;
pub use contract::{Import, host_functions};

/// Most bytes of a component: the largest honest ones, a JavaScript or Python runtime included, have under 20 MB.
pub const MAX_COMPONENT: usize = 64 * 1024 * 1024;

/// How nice the compiler is where clients are served beside it: it has what they leave, and a tenth of the machine where they leave nothing.
const NICE: i32 = 10;

/// Most characters of what is told of wasmtime's own account.
const MAX_TOLD: usize = 500;

/// How a module was loaded, for whoever wants to know what it costs and what it may do.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Bytes of the component.
    pub bytes: usize,
    /// Bytes of its native code.
    pub code_bytes: usize,
    /// Whether the native code came from the cache.
    pub cached: bool,
    /// How long it took to get the native code, from the cache or from the compiler.
    pub compiled_in: Duration,
    /// How long all of it took.
    pub loaded_in: Duration,
    /// What it imports.
    pub imports: Vec<Import>,
    /// Names the key that signed it; `None`: nobody asked for one.
    pub signed_by: Option<String>,
}

/// Loads modules into one engine.
pub struct Loader {
    engine: Arc<Engine>,
    compiler: Compiler,
    trust: Trust,
    nice: i32,
}

impl Loader {
    /// For this engine. Takes modules without a signature.
    #[must_use]
    pub fn new(engine: Arc<Engine>, compiler: Compiler) -> Self {
        Self { engine, compiler, trust: Trust::default(), nice: 0 }
    }

    /// Takes only modules that these keys have signed.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// Compiles at a low priority from now on: somebody is served beside it.
    #[must_use]
    pub fn beside_clients(self) -> Self {
        Self { nice: NICE, ..self }
    }

    /// Counts these modules' compiled code as used now, so that the cache keeps it in place of others.
    pub async fn touch(&self, digests: &[Digest]) {
        self.compiler.touch(&self.engine, digests).await;
    }

    /// Compiles and checks a component. Takes its time, on other threads; dropped, it ends.
    ///
    /// # Errors
    /// Why it cannot be served, for its author.
    pub async fn load(&self, artifact: impl Into<Artifact>) -> Result<Module, LoadError> {
        let watch = Stopwatch::start();
        let Artifact { bytes, origin } = artifact.into();
        let size = bytes.len();
        if size > MAX_COMPONENT {
            let what = format!("the module has more than {} MiB", MAX_COMPONENT / 1024 / 1024);
            return Err(LoadError::new(LoadRefusal::TooLarge, what));
        }
        // Before anything else looks at what is in it.
        let trust = self.trust.clone();
        let (signed_by, bytes) = blocking(move || (trust.verify(&bytes, &origin), bytes)).await?;
        let signed_by = signed_by.map_err(refuse_untrusted)?;
        let (digest, bytes) = blocking(move || (Digest::of(&bytes), bytes)).await?;
        let compiled = self.compiler.compile(&self.engine, digest, bytes, self.nice).await?;
        let engine = Arc::clone(&self.engine);
        let (mut compiled, linked) = blocking(move || {
            let linked = link(&engine, &compiled.component);
            (compiled, linked)
        })
        .await?;
        let (pre, handler, imports) = linked?;
        let short: Arc<str> = digest.short().into();
        let said = describe(&self.engine, &pre, &short).await?;
        let (manifest, router, described) = blocking(move || {
            let manifest = Manifest::check(said)?;
            let router = Router::compile(&manifest)?;
            let described = Descriptions::of(&manifest, digest).map_err(|bytes| {
                refuse(format!(
                    "the API's description would have {bytes} bytes with it; it must say less in its schemas"
                ))
            })?;
            Ok((manifest, router, described))
        })
        .await??;
        smoke::smoke_call(&self.engine, &pre, &manifest, &short).await?;
        let compiled = blocking(move || {
            compiled.keep();
            compiled
        })
        .await?;
        let loaded = Loaded {
            bytes: size,
            code_bytes: compiled.code_bytes,
            cached: compiled.cached,
            compiled_in: compiled.took,
            loaded_in: watch.elapsed(),
            imports,
            signed_by: signed_by.as_ref().map(KeyName::to_string),
        };
        let (engine, native) = (Arc::clone(&self.engine), None);
        Ok(Module { digest, manifest, router, described, loaded, short, pre, handler, native, engine })
    }
}

/// Reads a component from a file, or from stdin where the path is `-`; no more of it than a module may have, and one byte.
///
/// # Errors
/// The file cannot be read.
pub async fn read_module(path: &Path) -> Result<Vec<u8>, LoadError> {
    Artifact::read(path).await.map(|artifact| artifact.bytes)
}

fn refuse_untrusted(why: Untrusted) -> LoadError {
    match why {
        Untrusted::Unsigned(what) => LoadError::new(LoadRefusal::Unsigned, what),
        Untrusted::Wrong(what) => LoadError::new(LoadRefusal::WrongSignature, what),
    }
}

/// The component with its imports, where its handler is in it, and what it imports.
type Linked = (RulesPre<Run>, GuestIndices, Vec<Import>);

fn link(engine: &Engine, component: &Component) -> Result<Linked, LoadError> {
    let module = component.component_type();
    let wrong_imports = |what: String| LoadError::new(LoadRefusal::WrongImports, what);
    let differences = contract::import_differences(&module, &engine.inner);
    if !differences.is_empty() {
        return Err(wrong_imports(contract::tell(differences)));
    }
    let pre = engine.linker.instantiate_pre(component).map_err(|error| {
        // What is left are WASI's functions.
        wrong_imports(format!("the module's imports do not fit this host: {}", one_line(&error)))
    })?;
    let wrong_exports = |what: String| LoadError::new(LoadRefusal::WrongExports, what);
    let differences = contract::export_differences(&module, &engine.inner);
    if !differences.is_empty() {
        return Err(wrong_exports(contract::tell(differences)));
    }
    let not_there = |error| {
        let what = "the module does not export what boxoffice:rules/rules@0.1.0 asks for";
        wrong_exports(format!("{what}: {}", one_line(&error)))
    };
    let handler = GuestIndices::new(&pre).map_err(not_there)?;
    let pre = RulesPre::new(pre).map_err(not_there)?;
    Ok((pre, handler, contract::imports(&module, &engine.inner)))
}

fn one_line(error: &wasmtime::Error) -> String {
    // Names out of the module are part of it, and can be any text of any length.
    let text = format!("{error:#}");
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_TOLD).flat_map(char::escape_debug).collect()
}

async fn describe(engine: &Engine, pre: &RulesPre<Run>, digest: &Arc<str>) -> Result<ModuleManifest, LoadError> {
    let refuse = |failure: &Failure| {
        let refusal =
            if failure.cause == Cause::NoInstance { LoadRefusal::Unavailable } else { LoadRefusal::NoManifest };
        LoadError::new(refusal, format!("the module does not describe itself: {failure}"))
    };
    let _permit = engine.permit().await.map_err(|failure| refuse(&failure))?;
    let mut run = Run::new(Answers::Nobody, Millis(0), 0, engine.limits);
    run.digest = Arc::clone(digest);
    let mut store = engine.store_for(run, Lane::Clients);
    let cpu = Arc::clone(&store.data().cpu);
    let called = within_limits(engine, Lane::Clients, &cpu, async {
        let rules: Rules = pre.instantiate_async(&mut store).await.map_err(|error| error.context(NotBegun))?;
        rules.boxoffice_rules_manifest().call_describe(&mut store).await
    })
    .await;
    let output = store.data().output.text();
    match called {
        Ok(Ok(manifest)) => Ok(manifest),
        Ok(Err(error)) => Err(match explain(&error, output, engine.lines.as_ref()) {
            RunError::Failed(failure) => refuse(&failure),
            // There is none to fail, and nothing to differ from: every host function denies.
            other => LoadError::new(LoadRefusal::Unavailable, format!("{other:?}")),
        }),
        Err(timeout) => Err(refuse(&Failure { output, ..timeout })),
    }
}
