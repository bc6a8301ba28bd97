//! The standard rules, run natively against a scripted host: the REST contract, sentence by sentence.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![allow(clippy::wildcard_imports, reason = "the mock is the vocabulary of every test")]

mod attributes;
mod bad_bodies;
mod described;
mod events;
mod exports;
mod idempotency_key;
mod manifest;
mod mock;
mod reads;
mod register;
mod ticket_lists;
mod tickets;
mod updates;
