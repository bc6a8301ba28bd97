//! From a file to a module that can be served: the one path that `boxoffice serve`, `boxoffice rules check` and the tests share.
//!
//! Size, compilation, imports, exports, manifest, routes, a smoke call: each step refuses by name, and nothing of the module runs before
//! its limits are set.

use std::sync::Arc;

use wasmtime::component::Component;

use super::bindings::exports::boxoffice::rules::manifest::ModuleManifest;
use super::bindings::{Rules, RulesPre};
use super::compiler::Compiler;
use super::engine::Engine;
use super::failure::{LoadError, LoadRefusal, RunError, explain};
use super::manifest::Manifest;
use super::module::{Digest, Module, within_limits};
use super::router::Router;
use super::run::Run;
use crate::domain::Millis;

/// Most bytes of a component: the largest honest ones, a JavaScript or Python runtime included, have under 20 MB.
const MAX_COMPONENT: usize = 64 * 1024 * 1024;

/// Loads modules into one engine.
pub struct Loader {
    engine: Arc<Engine>,
    compiler: Compiler,
}

impl Loader {
    /// For this engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>, compiler: Compiler) -> Self {
        Self { engine, compiler }
    }

    /// Compiles and checks a component. Takes its time, on other threads.
    ///
    /// # Errors
    /// Why it cannot be served, for its author.
    pub async fn load(&self, bytes: Vec<u8>) -> Result<Module, LoadError> {
        if bytes.len() > MAX_COMPONENT {
            let what = format!("the module has {} bytes, more than {MAX_COMPONENT}", bytes.len());
            return Err(LoadError::new(LoadRefusal::TooLarge, what));
        }
        let digest = Digest::of(&bytes);
        let component = self.compiler.compile(&self.engine, digest, bytes).await?;
        let engine = Arc::clone(&self.engine);
        let pre = link(&engine, &component)?;
        let manifest = Manifest::check(describe(&engine, &pre).await?)?;
        let router = Router::compile(&manifest)?;
        Ok(Module { digest, manifest, router, short: digest.short().into(), pre, engine })
    }
}

fn link(engine: &Engine, component: &Component) -> Result<RulesPre<Run>, LoadError> {
    check_imports(engine, component)?;
    let pre = engine.linker.instantiate_pre(component).map_err(|error| {
        let what = format!("the module's imports do not fit this host: {error:#}");
        LoadError::new(LoadRefusal::WrongImports, what)
    })?;
    RulesPre::new(pre).map_err(|error| {
        let what = format!("the module does not export what boxoffice:rules/rules@0.1.0 asks for: {error:#}");
        LoadError::new(LoadRefusal::WrongExports, what)
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
        Some(name) => {
            let what = format!("the module wants {name}, and this host offers {OFFERED}");
            Err(LoadError::new(LoadRefusal::WrongImports, what))
        }
        None => Ok(()),
    }
}

async fn describe(engine: &Engine, pre: &RulesPre<Run>) -> Result<ModuleManifest, LoadError> {
    let refuse =
        |why: String| LoadError::new(LoadRefusal::NoManifest, format!("the module does not describe itself: {why}"));
    let _permit = engine.permit().await.map_err(|failure| refuse(failure.to_string()))?;
    let mut store = engine.store_for(Run::new(None, Millis(0), 0, engine.limits));
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
