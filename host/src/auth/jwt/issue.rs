//! Issues tokens: for development, by `boxoffice token`. The server never does.

use std::path::Path;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};

use super::keys::{MIN_SECRET, is_pem, secret};
use crate::domain::{Millis, Role, Roles};
use crate::trust::read_small;

/// Most bytes of a key's file.
const MAX_KEY_FILE: u64 = 64 * 1024;

/// What tokens are signed with.
pub struct SigningKey {
    algorithm: Algorithm,
    key: EncodingKey,
}

impl std::fmt::Debug for SigningKey {
    /// Never the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({:?})", self.algorithm)
    }
}

impl SigningKey {
    /// Reads a secret, or a private key in PEM (PKCS#8).
    ///
    /// # Errors
    /// What is wrong with the file, and what to do, without its name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = read_small(path, MAX_KEY_FILE).map_err(|why| format!("cannot be read: {why}"))?;
        if !is_pem(&bytes) {
            let secret = secret(&bytes);
            if secret.len() < MIN_SECRET {
                return Err(format!("has a secret of fewer than {MIN_SECRET} bytes, which no host takes"));
            }
            return Ok(Self { algorithm: Algorithm::HS256, key: EncodingKey::from_secret(secret) });
        }
        let text = String::from_utf8_lossy(&bytes);
        if text.contains("PUBLIC KEY-----") {
            return Err("has a public key: tokens are signed with the private one".to_owned());
        }
        // A certificate of the same kind of key would be taken for one.
        let pem = if text.contains("PRIVATE KEY-----") { text.as_bytes() } else { b"" };
        let of = |algorithm, key: Result<EncodingKey, _>| key.ok().map(|key| Self { algorithm, key });
        of(Algorithm::EdDSA, EncodingKey::from_ed_pem(pem))
            .or_else(|| of(Algorithm::ES256, EncodingKey::from_ec_pem(pem)))
            .or_else(|| of(Algorithm::RS256, EncodingKey::from_rsa_pem(pem)))
            .ok_or_else(|| {
                "has no private key of RSA, P-256 or Ed25519 as PKCS#8 in PEM; \
                 openssl pkcs8 -topk8 -nocrypt turns others into that"
                    .to_owned()
            })
    }
}

/// What a token is to say.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Who is let in.
    pub subject: String,
    /// As what.
    pub roles: Roles,
    /// The claim that has the roles; dots lead into objects.
    pub roles_claim: String,
    /// Who issues it.
    pub issuer: Option<String>,
    /// For whom.
    pub audience: Vec<String>,
    /// For how long.
    pub expires: Duration,
    /// What the host calls the key.
    pub kid: Option<String>,
}

impl Issue {
    /// The token, issued at `now`.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn sign(&self, key: &SigningKey, now: Millis) -> Result<String, String> {
        let seconds = |at: Millis| at.0 / 1000;
        let roles: Vec<_> = self.roles.iter().map(Role::name).collect();
        let mut claims = json!({
            "sub": self.subject,
            "iat": seconds(now),
            "exp": seconds(now.plus(self.expires)),
        });
        if let Value::Object(claims) = &mut claims {
            put(claims, &self.roles_claim, json!(roles));
            if let Some(issuer) = &self.issuer {
                claims.insert("iss".to_owned(), json!(issuer));
            }
            match &self.audience[..] {
                [] => {}
                [one] => drop(claims.insert("aud".to_owned(), json!(one))),
                several => drop(claims.insert("aud".to_owned(), json!(several))),
            }
        }
        let header = Header { kid: self.kid.clone(), ..Header::new(key.algorithm) };
        encode(&header, &claims, &key.key).map_err(|error| {
            format!("cannot sign ({error}): keys of RSA with 2048 bits or more, P-256 and Ed25519 can")
        })
    }
}

/// Puts a value where dots lead to.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    let Some((first, rest)) = name.split_once('.') else {
        object.insert(name.to_owned(), value);
        return;
    };
    let below = object.entry(first.to_owned()).or_insert_with(|| json!({}));
    if let Value::Object(below) = below {
        put(below, rest, value);
    }
}
