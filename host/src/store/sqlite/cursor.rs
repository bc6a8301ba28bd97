//! Cursors: where a page ended, bound to the query that it is a page of.
//!
//! A position and not an offset, so that rows added or gone meanwhile neither repeat nor hide another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::domain::InvalidField;
use crate::store::ListRefusal;

/// Bytes of the digest in front of the position: enough that no edited cursor passes by chance. It is no secret:
/// whoever makes up a position only reads a page that he may read anyway.
const DIGEST: usize = 12;
/// Longest cursor that is looked at, in characters: ours are about 80.
const MAX_CHARS: usize = 512;

/// What is said of a cursor that this query has not given: it is of another, edited, or made up.
pub(super) fn not_ours() -> ListRefusal {
    let detail = "is not a cursor of this query: start again without one";
    ListRefusal::Invalid(InvalidField::new("/cursor", detail))
}

/// The conditions of a query, digested. Its limit is none of them: the next page may be longer.
pub(super) struct Scope(Sha256);

impl Scope {
    /// Of the list of that name.
    pub(super) fn new(list: &str) -> Self {
        Self(Sha256::new()).with(Some(list))
    }

    /// One more condition, or its absence. Each with its length, so that no two queries digest the same.
    pub(super) fn with(mut self, condition: Option<&str>) -> Self {
        self.0.update([u8::from(condition.is_some())]);
        let text = condition.unwrap_or_default();
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
        self
    }

    /// The cursor that points behind `position`.
    pub(super) fn cursor(&self, position: &[u8]) -> String {
        let mut bytes = self.digest(position).to_vec();
        bytes.extend_from_slice(position);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position in `cursor`, if it is one of this query's, or made up by somebody who can digest: whoever reads it must take any bytes.
    pub(super) fn position(&self, cursor: &str) -> Result<Vec<u8>, ListRefusal> {
        if cursor.len() > MAX_CHARS {
            return Err(not_ours());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| not_ours())?;
        let (digest, position) = bytes.split_at_checked(DIGEST).ok_or_else(not_ours)?;
        if digest == self.digest(position) { Ok(position.to_vec()) } else { Err(not_ours()) }
    }

    fn digest(&self, position: &[u8]) -> [u8; DIGEST] {
        let whole: [u8; 32] = self.0.clone().chain_update(position).finalize().into();
        let mut short = [0; DIGEST];
        short.copy_from_slice(&whole[..DIGEST]);
        short
    }
}
