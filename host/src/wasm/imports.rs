//! The host functions: each checks the caller's permission again, checks and converts its arguments, and calls the store.
//!
//! A refusal goes back to the guest as a value. What the store could not say ends the run, so that no guest can turn a lost write
//! into something else.

mod convert;
mod events;
mod log;
mod quota;
mod tickets;

use std::fmt;

pub use convert::roles_for_guest;
pub(super) use log::{Logged, tell_dropped};
pub(super) use quota::{Quota, QuotaExceeded};

use super::run::{Grants, Run};
use crate::domain::Permission;
use crate::store::{Outcome, StoreFailure};
use quota::Weight;

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
    /// A host call begins: it is within the quota, or the run ends here. Gives what it works on, if the caller has the permission.
    fn begin(&mut self, permission: Permission, arguments: &impl Weight) -> wasmtime::Result<Option<Grants>> {
        self.quota.call(arguments.weight(), &self.limits)?;
        Ok(self.grants.as_ref().filter(|grants| grants.principal.may(permission)).cloned())
    }

    /// A host call ends with this value, whose bytes count.
    fn answer<T: Weight>(&mut self, value: impl Into<T>) -> T {
        let value = value.into();
        self.quota.answered(value.weight());
        value
    }
}

/// Ends the run where the store could not say.
fn known<T, R>(outcome: Outcome<T, R>) -> wasmtime::Result<Result<T, R>> {
    outcome.map_err(|failure| StoreFailed(failure).into())
}
