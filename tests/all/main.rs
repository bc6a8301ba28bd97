//! Every promise, as a sentence that can fail.

mod access;
mod api_keys;
mod audit;
mod bad_input;
mod canary;
mod cors;
mod events;
mod failures;
mod forgery;
mod fuzz;
mod host_time;
mod http;
mod limiter;
mod limits;
mod loading;
mod made;
mod metrics;
mod modules;
mod operator;
mod proxies;
mod race;
mod recording;
mod registry;
mod restart;
mod reuse;
mod shadow;
mod shutdown;
mod signatures;
#[path = "../store/mod.rs"]
mod store;
mod swaps;
mod testers;
mod tickets;
mod tls;
mod tokens;
mod watching;
