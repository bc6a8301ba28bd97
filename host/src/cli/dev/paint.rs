//! Colours, on a terminal alone.

use std::fmt::{self, Display};

/// Puts colours on texts, or leaves them as they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    on: bool,
}

/// A text with its colour.
struct Painted<T> {
    text: T,
    code: Option<u8>,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "\x1b[{code}m{}\x1b[0m", self.text),
            None => self.text.fmt(f),
        }
    }
}

impl Paint {
    pub(super) fn on(on: bool) -> Self {
        Self { on }
    }

    fn with(self, code: u8, text: impl Display) -> impl Display {
        Painted { text, code: self.on.then_some(code) }
    }

    pub(super) fn bold(self, text: impl Display) -> impl Display {
        self.with(1, text)
    }

    /// What is beside the point.
    pub(super) fn dim(self, text: impl Display) -> impl Display {
        self.with(2, text)
    }

    pub(super) fn good(self, text: impl Display) -> impl Display {
        self.with(32, text)
    }

    /// What was refused, or is to be noticed.
    pub(super) fn warn(self, text: impl Display) -> impl Display {
        self.with(33, text)
    }

    pub(super) fn bad(self, text: impl Display) -> impl Display {
        self.with(31, text)
    }

    /// A status of HTTP's, by its class.
    pub(super) fn status(self, status: u16) -> impl Display {
        let code = match status {
            500.. => 31,
            400.. => 33,
            _ => 32,
        };
        self.with(code, status)
    }
}
