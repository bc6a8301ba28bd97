//! Every promise, as a sentence that can fail.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod access;
mod bad_input;
mod events;
mod http;
mod limiter;
mod modules;
mod race;
mod restart;
mod shutdown;
#[path = "../store/mod.rs"]
mod store;
mod tickets;
