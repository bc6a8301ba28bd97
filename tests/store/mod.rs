//! The store, below HTTP and guests.

mod audit;
mod bad_databases;
mod bench;
mod commits;
mod life;
mod lists;
mod machine;
mod model;
mod mutants;
mod races;
mod support;
