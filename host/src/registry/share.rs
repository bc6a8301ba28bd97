//! The part of the callers that a canary serves.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::wasm::Digest;

/// Hundredths of a percent in the whole.
const WHOLE: u16 = 10_000;

/// A part of the callers: 0.01 to 100 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
pub struct Share(u16);

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.as_percent()
    }
}

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(percent: f64) -> Result<Self, String> {
        Self::percent(percent)
    }
}

impl Share {
    /// So many percent, to the hundredth.
    ///
    /// # Errors
    /// What it must be, where it is not 0.01 to 100.
    pub fn percent(percent: f64) -> Result<Self, String> {
        let hundredths = (percent * 100.0).round();
        if !(0.01..=100.0).contains(&percent) {
            return Err(format!("percent must be 0.01 to 100, and is {percent}"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10,000")]
        Ok(Self(hundredths as u16))
    }

    /// In percent.
    #[must_use]
    pub fn as_percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// Whether this caller is in the share of this canary. The same caller always is or always is not; whoever is in a small share is in
    /// every larger one; and another canary meets other callers first.
    pub(super) fn has(self, canary: Digest, caller: &[u8]) -> bool {
        let hash = Sha256::new().chain_update(canary.to_string()).chain_update(caller).finalize();
        let draw = u64::from_be_bytes(*hash.first_chunk().unwrap_or(&[0; 8])) % u64::from(WHOLE);
        draw < u64::from(self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.as_percent())
    }
}
