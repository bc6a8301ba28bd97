//! One job of the writer: a use case, its outcome, and who waits for it.

use std::cell::Cell;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::faults::Faults;
use super::metrics::Changes;
use super::trouble::Trouble;
use crate::domain::IdSource;
use crate::store::{Outcome, StoreFailure};

/// What a use case works with, inside its savepoint.
pub(super) struct Desk<'a> {
    /// The one writing connection.
    pub(super) db: &'a Connection,
    /// Where the ids come from.
    pub(super) ids: &'a mut IdSource,
    /// Which mutant this is; without the feature, none.
    pub(super) faults: &'a Faults,
    /// What the job makes of tickets, to be counted when that is durable.
    pub(super) changes: &'a Cell<Changes>,
}

/// What becomes of a job's savepoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is kept.
    Written,
    /// A refusal leaves nothing behind.
    Refused,
}

/// A job, whatever it answers. One that is dropped answers too, so no caller ever waits for nothing.
pub(super) trait Job: Send {
    /// Whether nobody waits for it any more.
    fn abandoned(&self) -> bool;
    /// Does it. A second time, if the first was rolled back: then nothing of that one is left.
    fn run(&mut self, desk: &mut Desk<'_>) -> Result<Effect, Trouble>;
    /// Its outcome is durable.
    fn answer(&mut self);
    /// It failed, or its commit did.
    fn fail(&mut self, failure: StoreFailure);
}

/// The one kind of job that there is.
pub(super) struct UseCase<T, R, W> {
    work: W,
    begun: bool,
    outcome: Option<Result<T, R>>,
    reply: Option<oneshot::Sender<Outcome<T, R>>>,
}

impl<T, R, W> UseCase<T, R, W> {
    /// `work` and where its answer goes.
    pub(super) fn new(work: W, reply: oneshot::Sender<Outcome<T, R>>) -> Self {
        Self { work, begun: false, outcome: None, reply: Some(reply) }
    }

    fn send(&mut self, answer: Outcome<T, R>) {
        if let Some(reply) = self.reply.take() {
            // Nobody there: a client that went away; its idempotency key tells it the outcome.
            let _ = reply.send(answer);
        }
    }
}

impl<T, R, W> Job for UseCase<T, R, W>
where
    T: Send,
    R: Send,
    W: FnMut(&mut Desk<'_>) -> Result<Result<T, R>, Trouble> + Send,
{
    fn abandoned(&self) -> bool {
        self.reply.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn run(&mut self, desk: &mut Desk<'_>) -> Result<Effect, Trouble> {
        self.begun = true;
        // What it came to the first time is not to be told if this time fails.
        self.outcome = None;
        let outcome = (self.work)(desk)?;
        let effect = if outcome.is_ok() { Effect::Written } else { Effect::Refused };
        self.outcome = Some(outcome);
        Ok(effect)
    }

    fn answer(&mut self) {
        if let Some(outcome) = self.outcome.take() {
            self.send(Ok(outcome));
        }
    }

    fn fail(&mut self, failure: StoreFailure) {
        self.send(Err(failure));
    }
}

impl<T, R, W> Drop for UseCase<T, R, W> {
    fn drop(&mut self) {
        self.send(Err(if self.begun { StoreFailure::OutcomeUnknown } else { StoreFailure::ShuttingDown }));
    }
}
