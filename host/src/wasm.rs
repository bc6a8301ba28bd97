//! Runs the rules: a sandboxed component, in a fresh instance for each request.
//!
//! The only folder that names wasmtime. Invariant: what a module can do is what [`imports`] and [`wasi`] link, and nothing
//! else: no files, no network, no environment, no clock but the request's `now`.

mod answer;
mod bindings;
mod cpu;
mod engine;
mod failure;
mod imports;
mod manifest;
mod module;
mod output;
mod router;
mod run;
mod wasi;

pub use answer::Answer;
pub use bindings::exports::boxoffice::rules::handler::Request as GuestRequest;
pub use engine::{Engine, EngineLimits};
pub use failure::{Cause, Failure, LoadError, RunError};
pub use imports::roles_for_guest;
pub use manifest::{Access, Manifest, Method, Route};
pub use module::{Digest, Module, Report};
pub use router::{Found, Router};
pub use run::Grants;
