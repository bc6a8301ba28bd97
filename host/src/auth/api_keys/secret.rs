//! The form of an API key: `bo_ID_SECRET`, where the id is 16 hexadecimal digits, and the secret 64, which are 256 bits from the operating
//! system. Only whoever was shown the key has the secret; the host keeps its SHA-256.

use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};

use crate::domain::ApiKeyId;
use crate::store::sqlite::SecretHash;

/// What all API keys begin with, and nothing else: no JSON Web Token has an underscore there, since its header begins with a brace.
pub(crate) const PREFIX: &str = "bo_";
/// Digits of an id.
const ID_DIGITS: usize = 16;
/// Digits of a secret.
const SECRET_DIGITS: usize = 64;
/// Bytes that both are made of.
const RANDOM: usize = ID_DIGITS / 2 + SECRET_DIGITS / 2;

/// A key out of a request.
pub(super) struct Presented {
    pub(super) id: ApiKeyId,
    pub(super) hash: SecretHash,
}

impl Presented {
    /// `None`: it does not have the form of a key.
    pub(super) fn parse(token: &str) -> Option<Self> {
        let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
        let digits =
            |text: &str, count| text.len() == count && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let is_one = digits(id, ID_DIGITS) && digits(secret, SECRET_DIGITS);
        is_one.then(|| Self { id: ApiKeyId::new(id), hash: hash(secret) })
    }
}

/// A key that was just made: the only time that it is whole.
pub(super) struct Fresh {
    pub(super) id: ApiKeyId,
    pub(super) hash: SecretHash,
    /// What the client shows.
    pub(super) shown: String,
}

impl Fresh {
    /// With randomness of the operating system's.
    pub(super) fn make() -> Result<Self, String> {
        let mut random = [0; RANDOM];
        SysRng.try_fill_bytes(&mut random).map_err(|error| error.to_string())?;
        let digits = random.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let (id, secret) = digits.split_at(ID_DIGITS);
        Ok(Self { id: ApiKeyId::new(id), hash: hash(secret), shown: format!("{PREFIX}{id}_{secret}") })
    }
}

/// Plain, since a secret of 256 bits is not guessed, however fast one hashes.
fn hash(secret: &str) -> SecretHash {
    Sha256::digest(secret).into()
}
