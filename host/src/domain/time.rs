//! Time, as an argument.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z. Never negative in anything that the contract accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// The last moment that the contract can name, 9999-12-31T23:59:59.999Z: RFC 3339 has four digits for a year.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// This moment and `span` more, to the millisecond, [`Millis::MAX`] at the latest.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(span).min(Self::MAX.0))
    }

    /// For the contract, whose times are unsigned.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0)
    }

    /// From the contract.
    #[must_use]
    pub fn from_u64(ms: u64) -> Option<Self> {
        i64::try_from(ms).ok().map(Self).filter(|at| *at <= Self::MAX)
    }
}
