//! A real server, with the real rules in the real sandbox, on a free port, and a client that speaks HTTP to it over TCP.
//!
//! The clock is set by hand, the ids are seeded, the rate limiter is on: unless a test says otherwise, every request comes from a loopback
//! address of its own. When a [`TestServer`] is dropped, the invariants of its database are proved.

pub mod attack;
mod client;
mod empty_store;
mod exposition;
pub mod fuzz;
mod issuer;
mod log;
mod operator;
mod server;
pub mod swap;

pub use client::{Answer, Call, fresh_address, raw, raw_bytes, until};
pub use empty_store::EmptyStore;
pub use exposition::{Exposition, Family, Labels, Sample};
pub use issuer::{Issuer, claims};
pub use log::{LogLine, logged, watched_id};
pub use operator::{Operator, TOKEN, token_file, under_another_digest};
pub use server::{
    Builder, START, TestServer, altered_rules, bookings_rules, broken_rules, compile_if_asked, early_access_rules,
    exact_rules, forwarding_rules, raw_rules, settings, unruly_rules, unruly_rules_with_lines,
};
