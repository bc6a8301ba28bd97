//! Rules that run natively, for measuring what the sandbox costs. No setting leads here: the program never runs any.

use std::pin::Pin;
use std::sync::Arc;

use super::answer::Answer;
use super::bindings::exports::boxoffice::rules::handler::{Request, Response};
use super::failure::RunError;
use super::limits::Limits;
use super::module::{Module, Report};
use super::run::Grants;
use crate::store::StoreFailure;

/// A run of native rules: their answer, or what the store could not say.
pub type NativeRun<'a> = Pin<Box<dyn Future<Output = Result<Response, StoreFailure>> + Send + 'a>>;

/// Rules that are part of the process, trusted with all that it has: neither their CPU time nor their memory is bounded.
pub trait NativeRules: Send + Sync {
    /// Answers one request, with these host functions. What they say of permissions is up to them.
    fn answer<'a>(&'a self, request: &'a Request, grants: Grants) -> NativeRun<'a>;
}

impl Module {
    /// The same module, but its clients' runs are these rules'. The component still says what its routes are, and answers whatever is
    /// played back.
    #[must_use]
    pub fn natively(mut self, rules: Arc<dyn NativeRules>) -> Self {
        self.native = Some(rules);
        self
    }
}

/// One run. Its answer is checked as a guest's is.
pub(super) async fn run(rules: &dyn NativeRules, request: &Request, grants: Grants, limits: &Limits) -> Report {
    let said = rules.answer(request, grants).await;
    let result = match said {
        Ok(response) => Answer::check(response, limits).map_err(RunError::Failed),
        Err(failure) => Err(RunError::Store(failure)),
    };
    Report::natively(result)
}
