//! JSON Web Tokens (RFC 7519) that somebody else issues.
//!
//! Invariant: the algorithm is the key's, and no word of a token chooses another; the keys are those of the host's file, and nothing that a
//! token carries or points to is one. Nothing here reads a clock.

mod claims;
mod issue;
mod jwks;
mod keys;
mod rotation;

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode};
use serde_json::{Map, Value};

use super::refusal::Refused;
use crate::domain::{Millis, Principal};

pub use claims::ClaimRules;
pub use issue::{Issue, SigningKey};
pub use keys::{KeySet, KeySource};
pub(crate) use rotation::Rotation;

/// Most bytes of a token. Anything longer is refused before it is looked at.
const MAX_TOKEN: usize = 8 * 1024;

/// Checks tokens.
#[derive(Debug)]
pub struct Jwt {
    /// Exchanged as a whole when the file changes.
    keys: RwLock<Arc<KeySet>>,
    rules: ClaimRules,
}

impl Jwt {
    /// With these keys, for now.
    #[must_use]
    pub fn new(keys: KeySet, rules: ClaimRules) -> Self {
        Self { keys: RwLock::new(Arc::new(keys)), rules }
    }

    /// Other keys from now on.
    pub fn exchange(&self, keys: KeySet) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whom a token lets in at `now`. Nothing is remembered of tokens that were good: it takes 3 µs (HS256), 25 (RS256), 40 (`EdDSA`) or 60
    /// (ES256).
    ///
    /// # Errors
    /// Nobody, and why.
    pub fn principal(&self, token: &str, now: Millis) -> Result<Principal, Refused> {
        if token.len() > MAX_TOKEN {
            return Err(Refused::invalid("the token has more than 8 KiB"));
        }
        let header = header(token)?;
        let keys = self.keys();
        let key = keys.select(key_id(&header)?)?;
        let mut rules = Validation::new(key.algorithm);
        // What is claimed is judged by the host, with the host's clock.
        rules.required_spec_claims.clear();
        (rules.validate_exp, rules.validate_nbf, rules.validate_aud) = (false, false, false);
        let token = decode::<Map<String, Value>>(token, &key.key, &rules).map_err(|error| why(error.kind()))?;
        self.rules.principal(&token.claims, now)
    }
}

/// The header of a token of three parts, whose words are not believed yet.
fn header(token: &str) -> Result<Map<String, Value>, Refused> {
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(Refused::invalid("it is no token of three parts"));
    };
    let json = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refused::invalid("the token's header is not base64url"))?;
    let header: Map<String, Value> =
        serde_json::from_slice(&json).map_err(|_| Refused::invalid("the token's header is not a JSON object"))?;
    // RFC 7515, 4.1.11: whoever does not understand what is critical must refuse it, and nothing is understood here.
    if header.contains_key("crit") {
        return Err(Refused::invalid("the token's header has crit"));
    }
    let is_a_jwt = |typ: &Value| {
        let typ = typ.as_str().unwrap_or_default();
        let typ = typ
            .get(.."application/".len())
            .filter(|start| start.eq_ignore_ascii_case("application/"))
            .map_or(typ, |start| &typ[start.len()..]);
        typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt")
    };
    if !header.get("typ").is_none_or(is_a_jwt) {
        return Err(Refused::invalid("the token's typ is neither JWT nor at+jwt"));
    }
    Ok(header)
}

fn key_id(header: &Map<String, Value>) -> Result<Option<&str>, Refused> {
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) => Ok(Some(kid)),
        Some(_) => Err(Refused::invalid("the token's kid is not a string")),
    }
}

fn why(kind: &ErrorKind) -> Refused {
    Refused::invalid(match kind {
        ErrorKind::InvalidSignature => "the token's signature is not by the host's key",
        ErrorKind::InvalidAlgorithm => "the token's algorithm is not its key's",
        _ => "the token cannot be read",
    })
}
