//! Every test of the project, in one program.

#[path = "../store/mod.rs"]
mod store;
