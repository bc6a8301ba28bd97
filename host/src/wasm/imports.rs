//! The host functions: each checks the caller's permission again, checks and converts its arguments, and calls the store.
//!
//! A refusal goes back to the guest as a value. What the store could not say ends the run, so that no guest can turn a lost write
//! into something else.

mod convert;
mod events;
mod log;
mod tickets;

use std::fmt;

pub use convert::roles_for_guest;
pub(super) use log::tell_dropped;

use super::run::{Grants, Run};
use crate::domain::Permission;
use crate::store::{Outcome, StoreFailure};

/// The store could not say: carried through the guest as the error that ends the run.
#[derive(Debug, Clone)]
pub(super) struct StoreFailed(pub(super) StoreFailure);

impl fmt::Display for StoreFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store failed: {:?}", self.0)
    }
}

impl std::error::Error for StoreFailed {}

impl Run {
    /// What the caller's calls work on, if it has the permission.
    fn granted(&self, permission: Permission) -> Option<Grants> {
        self.grants.as_ref().filter(|grants| grants.principal.may(permission)).cloned()
    }
}

/// Ends the run where the store could not say.
fn known<T, R>(outcome: Outcome<T, R>) -> wasmtime::Result<Result<T, R>> {
    outcome.map_err(|failure| StoreFailed(failure).into())
}
