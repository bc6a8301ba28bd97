//! Runs the rules: a sandboxed component, by default in a fresh instance for each request.
//!
//! The only folder that names wasmtime. Invariant: what a module can do is what [`imports`] and [`wasi`] link, and nothing
//! else: no files, no network, no environment, no clock but the request's `now`.

mod answer;
mod backtrace;
mod bindings;
mod compiler;
mod cpu;
mod engine;
mod failure;
mod imports;
mod instances;
mod limits;
mod load;
mod manifest;
mod memory;
mod module;
mod native;
mod output;
mod playback;
mod policy;
mod recording;
mod router;
mod run;
mod waits;
mod wasi;

pub use answer::Answer;
pub use backtrace::{Place, is_own_file};
pub use bindings::exports::boxoffice::rules::handler::{Request as GuestRequest, Response as GuestResponse};
pub(crate) use compiler::blocking;
pub use compiler::{Cache, CompileLimits, Compiler, CompilerProgram, compile_module};
pub use engine::{Engine, Lane, Occupancy};
pub use failure::{Cause, Failure, LoadError, LoadRefusal, RunError};
pub use imports::{Became, Exchange, HOST_FUNCTIONS, roles_for_guest};
pub use limits::Limits;
pub use load::{Artifact, Import, Loaded, Loader, MAX_COMPONENT, host_functions, read_module};
pub(crate) use manifest::turns_text;
pub use manifest::{Access, Described, DescribedAnswer, Manifest, Method, Route};
pub use module::{Digest, Errand, Module, Report};
pub use native::{NativeRules, NativeRun};
pub use playback::{CallDifference, Playback, Played, Wanted};
pub use policy::PoolPolicy;
pub use recording::{LoggedLine, Recording};
pub use router::{Found, Router};
pub use run::Grants;
