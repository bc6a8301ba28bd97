//! A replay: the same calls again, one after the other.

use super::{Answered, End, Expected};
use crate::wasm::imports::{Exchange, Listed};

/// The recorded calls, of which this one is next.
pub(super) struct InOrder {
    recorded: Vec<Exchange>,
    next: usize,
}

impl InOrder {
    pub(super) fn new(recorded: Vec<Exchange>) -> Self {
        Self { recorded, next: 0 }
    }

    pub(super) fn answer<F: Listed>(&mut self, asked: &F::Asked) -> Answered<F> {
        let call = self.recorded.get(self.next).and_then(F::of).filter(|call| call.asked == *asked);
        let Some(call) = call else { return Err(End::Otherwise(Box::new(self.expected()))) };
        self.next += 1;
        call.said.clone().outcome().ok_or(End::Unanswered)
    }

    /// What should still have come.
    pub(super) fn left(&self) -> Option<Expected> {
        (self.next < self.recorded.len()).then(|| self.expected())
    }

    fn expected(&self) -> Expected {
        Expected { number: self.next + 1, recorded: self.recorded.get(self.next).cloned() }
    }
}
