//! The host functions: each checks the caller's permission again, checks and converts its arguments, and calls the store.
//!
//! A refusal goes back to the guest as a value. What the store could not say ends the run, so that no guest can turn a lost write
//! into something else.

mod convert;
mod events;
mod function;
mod log;
mod quota;
mod tickets;

use std::fmt;

pub use convert::roles_for_guest;
pub use function::{Became, Exchange, HOST_FUNCTIONS};
pub(super) use function::{CallOf, Known, Listed};
pub(super) use log::{Logged, tell_dropped};
pub(super) use quota::{Quota, QuotaExceeded};

use crate::store::StoreFailure;

/// The store could not say: carried through the guest as the error that ends the run.
#[derive(Debug, Clone)]
pub(super) struct StoreFailed(pub(super) StoreFailure);

impl fmt::Display for StoreFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store failed: {:?}", self.0)
    }
}

impl std::error::Error for StoreFailed {}
