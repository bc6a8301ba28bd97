//! Recorded host calls, which answer a run instead of the store.
//!
//! Invariant: a run that is played back changes nothing. No call of a function that writes ever reaches a store here.

mod beside;
mod in_order;

use std::fmt;

use serde_json::Value;

use super::imports::{Exchange, Known, Listed};
use super::run::Grants;
use crate::domain::Millis;
use beside::Beside;
use in_order::InOrder;

/// The run asks for something else than was recorded, and ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Diverged;

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it asks for something else than was recorded")
    }
}

impl std::error::Error for Diverged {}

/// The calls of one run, to be had again.
pub struct Playback {
    calls: Calls,
    difference: Option<CallDifference>,
    unanswered: bool,
}

enum Calls {
    InOrder(InOrder),
    Beside(Beside),
}

/// What a played-back run has done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Played {
    /// Reads whose state may be another than the one that the recorded run saw.
    pub later_reads: u32,
    /// The first call that is not as recorded.
    pub difference: Option<Box<CallDifference>>,
    /// Whether it came to a call whose answer the recorded run did not live to see: it ended there, too.
    pub unanswered: bool,
}

/// Where a run's calls leave the recorded ones.
#[derive(Debug, Clone, PartialEq)]
pub struct CallDifference {
    /// Which call, from 1: of all calls in a replay, of the writes in a shadow.
    pub number: usize,
    /// What was recorded; `None`: nothing more.
    pub recorded: Option<Exchange>,
    /// What the run wanted; `None`: it ended without.
    pub now: Option<Wanted>,
}

/// A call that got no answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Wanted {
    /// The function, as the contract has it.
    pub function: &'static str,
    /// Its arguments.
    pub asked: Value,
}

/// What a call comes to in a playback: an answer, or the end of the run.
type Answered<F> = Result<Known<F>, End>;

/// Why a call gets no answer.
enum End {
    /// The recorded call that should have come instead.
    Otherwise(Box<Expected>),
    /// It was recorded without one.
    Unanswered,
}

/// A call should have come that did not.
struct Expected {
    /// Which one it would have been, from 1.
    number: usize,
    /// `None`: none should have come.
    recorded: Option<Exchange>,
}

impl Playback {
    /// Answers call by call, in order: a run that is the same as the recorded one never notices.
    #[must_use]
    pub fn in_order(recorded: Vec<Exchange>) -> Self {
        Self { calls: Calls::InOrder(InOrder::new(recorded)), difference: None, unanswered: false }
    }

    /// Answers a run of another module: its writes must be those that were recorded, in order, and get the recorded answers. A read gets
    /// the answer that the same read got; one that was not made then goes to `reader`, whose store must refuse writes.
    #[must_use]
    pub fn beside(recorded: Vec<Exchange>, reader: Grants) -> Self {
        Self { calls: Calls::Beside(Beside::new(recorded, reader)), difference: None, unanswered: false }
    }

    /// One call. The first that is not as recorded ends the run.
    pub(super) async fn answer<F: Listed>(&mut self, now: Millis, asked: F::Asked) -> wasmtime::Result<Known<F>> {
        let answered = match &mut self.calls {
            Calls::InOrder(calls) => calls.answer::<F>(&asked),
            Calls::Beside(calls) => calls.answer::<F>(now, &asked).await,
        };
        answered.map_err(|end| {
            let End::Otherwise(expected) = end else {
                self.unanswered = true;
                return Diverged.into();
            };
            let Expected { number, recorded } = *expected;
            // Texts, numbers and lists: there is nothing in them that JSON has not.
            let asked = serde_json::to_value(&asked).unwrap_or_default();
            let now = Some(Wanted { function: F::NAME, asked });
            self.difference.get_or_insert(CallDifference { number, recorded, now });
            Diverged.into()
        })
    }

    /// The run is over: what it did, and whether it left out what was recorded.
    #[must_use]
    pub fn finish(self) -> Played {
        let (left, later_reads) = match self.calls {
            Calls::InOrder(calls) => (calls.left(), 0),
            Calls::Beside(calls) => (calls.left(), calls.later_reads),
        };
        let missing = || left.map(|Expected { number, recorded }| CallDifference { number, recorded, now: None });
        let difference = self.difference.or_else(missing).map(Box::new);
        Played { later_reads, difference, unanswered: self.unanswered }
    }
}
