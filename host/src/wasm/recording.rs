//! What a run did: enough to do it again, or to do another beside it.

use serde::{Deserialize, Serialize};

use super::imports::Exchange;

/// A run's exchanges with the host. Bounded as the run is: by the bytes of its host calls, of its log and of its output.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    /// Its calls of events and tickets, in order.
    pub exchanges: Vec<Exchange>,
    /// Its lines for the log, those that were dropped left out.
    pub log: Vec<LoggedLine>,
    /// What it wrote to stdout and stderr, cut at its limit.
    pub output: String,
}

/// A line that a guest wrote with `log.write`, cleaned and cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The line itself.
    pub message: String,
    /// Its fields, as `name=value`, separated by spaces.
    pub fields: String,
}

impl Recording {
    /// Bytes, near enough.
    #[must_use]
    pub fn weight(&self) -> usize {
        let log = self.log.iter().map(|line| line.message.len() + line.fields.len() + size_of::<LoggedLine>());
        let exchanges = self.exchanges.iter().map(|exchange| exchange.weight() + size_of::<Exchange>());
        self.output.len() + log.sum::<usize>() + exchanges.sum::<usize>()
    }
}
