//! A sign of life on stderr, where that is a terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often it turns.
const TURN: Duration = Duration::from_millis(100);

/// Turns, and says what is being done.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(crate) fn start() -> Self {
        let style = ProgressStyle::with_template("{spinner} {wide_msg} ({elapsed})").ok();
        let bar = style.filter(|_| std::io::stderr().is_terminal()).map(|style| {
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(TURN);
            bar
        });
        Self(bar)
    }

    /// From now on it is this.
    pub(crate) fn say(&self, what: impl Into<String>) {
        if let Some(bar) = &self.0 {
            bar.set_message(what.into());
        }
    }

    pub(crate) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
