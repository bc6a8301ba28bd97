//! Every promise, as a sentence that can fail.

mod access;
mod api_keys;
mod bad_input;
mod canary;
mod events;
mod exports;
mod failures;
mod forgery;
mod fuzz;
mod host_time;
mod http;
mod limiter;
mod limits;
mod lists;
mod loading;
mod made;
mod metrics;
mod modules;
mod operator;
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
mod tokens;
mod updates;
mod verbs;
mod watching;
