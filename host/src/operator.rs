//! The operator's token: who has it may change which rules serve.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Fewest characters of a token: shorter ones can be guessed.
const MIN_TOKEN: usize = 16;
/// Most bytes of its file.
pub const MAX_TOKEN: usize = 1024;

/// Knows the operator, if there is one.
#[derive(Clone, Default)]
pub struct Operator(Option<[u8; 32]>);

impl fmt::Debug for Operator {
    /// Never the token, nor its hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Operator(with a token)" } else { "Operator(none)" })
    }
}

impl Operator {
    /// Nobody is the operator.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whoever has the token of this file's first line.
    ///
    /// # Errors
    /// It is no token, and why.
    pub fn with_token(text: &str) -> Result<Self, String> {
        let token = text.trim();
        let visible = token.bytes().all(|b| b.is_ascii_graphic());
        if token.len() < MIN_TOKEN || token.len() > MAX_TOKEN || !visible {
            return Err(format!(
                "a token has {MIN_TOKEN} to {MAX_TOKEN} visible characters on one line; make one with: head -c 32 /dev/urandom | base64"
            ));
        }
        Ok(Self(Some(hash(token.as_bytes()))))
    }

    /// Whether there is one.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.0.is_some()
    }

    /// Whether this is the operator's token. Takes the same time whatever is right of it: hashes are compared, and those in constant time.
    #[must_use]
    pub fn is(&self, token: &[u8]) -> bool {
        self.0.is_some_and(|known| bool::from(known.ct_eq(&hash(token))))
    }
}

fn hash(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}
