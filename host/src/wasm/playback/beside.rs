//! A shadow: another module's run, on what the active module's run was told.

use super::{Answered, End, Expected};
use crate::domain::Millis;
use crate::wasm::imports::{CallOf, Exchange, Listed};
use crate::wasm::run::Grants;

/// A recorded call.
struct Line {
    exchange: Exchange,
    /// Writes that came before it.
    phase: usize,
    /// Whether this run had its answer already.
    used: bool,
}

/// The recorded calls, and a reader for what is not among them.
pub(super) struct Beside {
    reader: Grants,
    reads: Vec<Line>,
    writes: Vec<Exchange>,
    /// Writes that this run has made.
    made: usize,
    pub(super) later_reads: u32,
}

impl Beside {
    /// What the caller was denied reached nothing, and is denied here, too: it is not compared.
    pub(super) fn new(recorded: Vec<Exchange>, reader: Grants) -> Self {
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        for exchange in recorded.into_iter().filter(|exchange| !exchange.is_denied(&reader.actor)) {
            if exchange.writes() {
                writes.push(exchange);
            } else {
                reads.push(Line { exchange, phase: writes.len(), used: false });
            }
        }
        Self { reader, reads, writes, made: 0, later_reads: 0 }
    }

    pub(super) async fn answer<F: Listed>(&mut self, now: Millis, asked: &F::Asked) -> Answered<F> {
        if !self.reader.actor.may(F::permission(asked)) {
            return Ok(Ok(Err(F::DENIED)));
        }
        if F::WRITES {
            let call = self.writes.get(self.made).and_then(F::of).filter(|call| call.asked == *asked);
            let Some(call) = call else { return Err(End::Otherwise(Box::new(self.expected()))) };
            self.made += 1;
            return call.said.clone().outcome().ok_or(End::Unanswered);
        }
        if let Some(call) = self.recorded_read::<F>(asked) {
            return call.said.outcome().ok_or(End::Unanswered);
        }
        self.later_reads += 1;
        Ok(match F::call(&self.reader, now, asked.clone()) {
            Ok(call) => call.await,
            Err(refusal) => Ok(Err(refusal)),
        })
    }

    /// The same read: best at the same point between the writes, and one that was not used yet.
    fn recorded_read<F: Listed>(&mut self, asked: &F::Asked) -> Option<CallOf<F>> {
        let made = self.made;
        let same = |line: &&mut Line| F::of(&line.exchange).is_some_and(|call| call.asked == *asked);
        let line = self.reads.iter_mut().filter(same).min_by_key(|line| (line.phase.abs_diff(made), line.used))?;
        line.used = true;
        self.later_reads += u32::from(line.phase != made);
        F::of(&line.exchange).cloned()
    }

    /// The write that should still have come.
    pub(super) fn left(&self) -> Option<Expected> {
        (self.made < self.writes.len()).then(|| self.expected())
    }

    fn expected(&self) -> Expected {
        Expected { number: self.made + 1, recorded: self.writes.get(self.made).cloned() }
    }
}
