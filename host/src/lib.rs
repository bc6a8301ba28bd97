//! boxoffice: an event registration and ticketing server whose business rules are a sandboxed WebAssembly component.
//!
//! | module | is about |
//! |---|---|
//! | [`config`] | flags, environment and file; every default and limit |
//! | [`domain`] | events, tickets, roles; what is allowed and what follows from what. Pure |
//! | [`store`] | what is kept: the [`store::Store`] trait, and SQLite behind it |
//! | [`wasm`] | the sandbox: engine, modules, host functions |
//! | [`limiter`], [`auth`], [`error`] | who may ask how often, who is asking, what is said when it fails |
//! | [`registry`] | which versions of the rules there are, and which serves whom |
//! | `http`, `admin` | the REST listener and the operator's |
//! | [`openapi`] | the API's description, from a manifest and the host's own answers |
//! | [`trust`] | whose modules are served: keys and signatures |
//! | [`watch`] | serves what a file has whenever it changes |
//! | [`sweeper`] | tidies holds that ran out |
//! | `private_folder` | files that nobody else can read or have written |
//! | [`shadow`] | another module beside the one that is served, and where they differ |
//! | `recorder`, `replay` | keeps failing requests, and runs them again |
//! | `seen`, `difference` | a request as the host saw it, and in what two answers differ |
//! | `conformance` | whether a module keeps the promises: `rules test` |
//! | `throwaway` | a whole host in a folder that goes with it, for authors of modules |
//! | `metrics` | what is counted, for Prometheus |
//! | [`cli`] | the commands beside `serve` |
//! | [`clock`], [`telemetry`], [`process`] | the edges: time, the log, the operating system |
//! | [`Server`] | puts it together |

mod admin;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
mod conformance;
mod difference;
pub mod domain;
pub mod error;
mod http;
pub mod limiter;
mod memo;
mod metrics;
pub mod openapi;
pub mod operator;
mod private_folder;
pub mod process;
mod recorder;
pub mod registry;
mod replay;
mod seen;
mod server;
pub mod shadow;
pub mod store;
pub mod sweeper;
pub mod telemetry;
mod throwaway;
pub mod trust;
pub mod wasm;
pub mod watch;

pub use http::{bind, own_paths};
pub use server::{STANDARD_RULES, Server, Setup, StartError, load_rules};
