//! From a component's bytes to native code: out of the cache, or made in a process of its own.
//!
//! Compiling is where a stranger's bytes can cost the most: a few kilobytes can keep a compiler busy for hours. So a process does it
//! that has limits, can be ended, and has nothing of the host's.

mod cache;
mod child;
mod process;

use std::time::Duration;

use wasmtime::component::Component;

use super::engine::Engine;
use super::failure::{LoadError, LoadRefusal};
use super::module::Digest;
use crate::clock::Stopwatch;
pub use cache::Cache;
use cache::Key;
pub use child::compile_module;
pub use process::CompilerProgram;
use process::Order;

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
    /// What does it.
    pub program: CompilerProgram,
    /// Where the result is kept; `None`: nowhere.
    pub cache: Option<Cache>,
}

/// A module's native code, loaded.
pub(super) struct Compiled {
    pub(super) component: Component,
    /// Bytes of native code, its tables included.
    pub(super) code_bytes: usize,
    /// Whether it came from the cache.
    pub(super) cached: bool,
    /// How long it took to get the code, from the cache or from the compiler.
    pub(super) took: Duration,
    /// What to keep of it, and where, if the module turns out to be one that is served.
    unkept: Option<(Cache, Key, Vec<u8>)>,
}

impl Compiled {
    /// Keeps the code in the cache, if it came from the compiler: for modules that are served. One that is refused would only take the
    /// place of others. Blocks.
    pub(super) fn keep(&mut self) {
        if let Some((cache, key, code)) = self.unkept.take() {
            cache.store(&key, &code);
        }
    }
}

impl Compiler {
    /// Native code of this component, from the cache or made anew, by a process that is so much nicer than this one.
    pub(super) async fn compile(
        &self,
        engine: &Engine,
        digest: Digest,
        component: Vec<u8>,
        nice: i32,
    ) -> Result<Compiled, LoadError> {
        let watch = Stopwatch::start();
        let inner = engine.inner.clone();
        let kept = self.cache.clone().map(|cache| (cache, Key::of(digest, engine)));
        let (kept, found) = blocking(move || {
            let found = kept.as_ref().and_then(|(cache, key)| from_cache(&inner, cache, key));
            (kept, found)
        })
        .await?;
        if let Some((component, code_bytes)) = found {
            return Ok(Compiled { component, code_bytes, cached: true, took: watch.elapsed(), unkept: None });
        }
        let order = Order { nice, lines: engine.lines.is_some() };
        tracing::info!(module = %digest, bytes = component.len(), "compiling the rules");
        let code = process::compile(&self.program, self.limits, order, component).await?;
        let (inner, took) = (engine.inner.clone(), watch.elapsed());
        blocking(move || {
            let component = load(&inner, &code).map_err(|error| refuse(&error))?;
            let code_bytes = code.len();
            let unkept = kept.map(|(cache, key)| (cache, key, code));
            Ok(Compiled { component, code_bytes, cached: false, took, unkept })
        })
        .await?
    }
}

impl Compiler {
    /// Counts the code of these modules as used now: the cache knows only when they were loaded, and what serves was loaded once.
    pub(super) async fn touch(&self, engine: &Engine, digests: &[Digest]) {
        let Some(cache) = self.cache.clone() else { return };
        let keys: Vec<_> = digests.iter().map(|digest| Key::of(*digest, engine)).collect();
        // At worst it is compiled once more.
        let _ = blocking(move || cache.touch(&keys)).await;
    }
}

/// The component in the cache, if there is one that this engine takes.
fn from_cache(engine: &wasmtime::Engine, cache: &Cache, key: &Key) -> Option<(Component, usize)> {
    let code = cache.read(key)?;
    match load(engine, &code) {
        Ok(component) => Some((component, code.len())),
        // Sound code beyond this engine's limits: compiled again it says so again, by name.
        Err(error) if over_limits(&error).is_some() => None,
        Err(error) => {
            cache.forget(key, &error.to_string());
            None
        }
    }
}

/// Takes native code into the engine.
#[expect(
    unsafe_code,
    reason = "wasmtime cannot verify native code; who made it is what counts, and that is proved here"
)]
fn load(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` asks for bytes that `Engine::precompile_component` made, unchanged. Both callers have such bytes, and hand
    // over the very memory that was checked, not a path:
    // - `Compiler::compile` has read them from the pipe of a process that it started itself, which is this program or one that the
    //   embedding program named, and only after that process had ended with success and its magic; or has made them here. A module cannot write to that
    //   pipe: it is compiled there, never run.
    // - `from_cache` has them from `Cache::read`: a regular file that only this user can write, in a folder that only this user can
    //   write, both checked on the open descriptors, with the hash that this program wrote over name and code.
    // Code for another engine, version or processor is an error of `deserialize`, not undefined.
    unsafe { Component::deserialize(engine, code) }
}

fn refuse(error: &wasmtime::Error) -> LoadError {
    if let Some(flag) = over_limits(error) {
        let what = format!("the module needs more than a run may have{flag}: {}", one_line(error));
        return LoadError::new(LoadRefusal::OverLimits, what);
    }
    let what = format!("the compiler's code does not fit this host: {}", one_line(error));
    LoadError::new(LoadRefusal::Unavailable, what)
}

/// The flag of the limit that a component is over, if that is what the pool says. Its errors have no types, so their text it is; a test
/// runs into each of them.
fn over_limits(error: &wasmtime::Error) -> Option<&'static str> {
    let text = format!("{error:#}");
    let flags = [
        ("Wasm linear memories", " (--rules-memories)"),
        ("defined memories count", " (--rules-memories)"),
        ("memory has a minimum byte size", " (--rules-memory)"),
        ("tables, which exceeds", " (--rules-tables)"),
        ("defined tables count", " (--rules-tables)"),
        ("minimum element size", " (--rules-table-elements)"),
    ];
    let flag = flags.into_iter().find(|(words, _)| text.contains(words)).map(|(_, flag)| flag);
    flag.or_else(|| (text.contains("pooling allocator") || text.contains("instance allocation")).then_some(""))
}

fn one_line(error: &wasmtime::Error) -> String {
    error.root_cause().to_string().lines().next().unwrap_or_default().to_owned()
}

/// Runs what takes long on a thread where that delays nobody.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, LoadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| LoadError::new(LoadRefusal::Unavailable, format!("loading the module failed: {error}")))
}
