//! A JWK set (RFC 7517): which of its keys are taken, and which passed over.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::keys::{KeySet, TokenKey};

/// Most keys of a set.
const MAX_KEYS: usize = 64;
/// Most bytes of a key's name.
const MAX_KID: usize = 256;

/// What becomes of one key.
enum Fate {
    Taken(TokenKey),
    /// It is not for this, which is no mistake (RFC 7517, 5).
    PassedOver(String),
}

/// The keys of a set, and of those that are passed over why.
pub(super) fn parse(bytes: &[u8]) -> Result<(KeySet, Vec<String>), String> {
    let set: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| format!("is no JWK set: {error}"))?;
    let Some(keys) = set.get("keys").and_then(Value::as_array) else {
        return Err("is no JWK set: it has no array \"keys\"".to_owned());
    };
    if keys.len() > MAX_KEYS {
        return Err(format!("has {} keys; at most {MAX_KEYS} are taken", keys.len()));
    }
    let (mut taken, mut passed_over) = (Vec::<TokenKey>::new(), Vec::new());
    for (number, key) in (1..).zip(keys) {
        let name = |why: &str| format!("its key number {number} {why}");
        match fate(key).map_err(|why| name(&why))? {
            Fate::PassedOver(why) => passed_over.push(name(&format!("is passed over: {why}"))),
            Fate::Taken(key) if key.kid.is_some() && taken.iter().any(|other| other.kid == key.kid) => {
                return Err(name("has the kid of another one: no token could say which is meant"));
            }
            Fate::Taken(key) => taken.push(key),
        }
    }
    if taken.is_empty() {
        let why = passed_over.first().map_or("it has none", String::as_str);
        return Err(format!("has no key that tokens could be checked with: {why}"));
    }
    Ok((KeySet(taken), passed_over))
}

fn fate(key: &Value) -> Result<Fate, String> {
    let passed_over = |why: &str| Ok(Fate::PassedOver(why.to_owned()));
    let Some(key) = key.as_object() else { return Err("is not a JSON object".to_owned()) };
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    if key.get("use").is_some_and(|what| what != "sig") {
        return passed_over("it is not for signatures");
    }
    let verifies = |what: &Value| what.as_array().is_some_and(|what| what.iter().any(|what| what == "verify"));
    if !key.get("key_ops").is_none_or(verifies) {
        return passed_over("it is not to verify with");
    }
    let algorithm = match (text("kty"), text("crv")) {
        (Some("RSA"), _) => Algorithm::RS256,
        (Some("EC"), Some("P-256")) => Algorithm::ES256,
        (Some("OKP"), Some("Ed25519")) => Algorithm::EdDSA,
        (Some("oct"), _) => Algorithm::HS256,
        _ => return passed_over("its type is none of RSA, P-256, Ed25519 and oct"),
    };
    if key.get("alg").is_some_and(|alg| *alg != format!("{algorithm:?}")) {
        return passed_over(&format!("its alg is not {algorithm:?}, the one that is taken for its type"));
    }
    if algorithm != Algorithm::HS256 && key.contains_key("d") {
        return Err("is a private one: leave d out, and keep it with whoever issues the tokens".to_owned());
    }
    let kid = match key.get("kid") {
        None => None,
        Some(Value::String(kid)) if (1..=MAX_KID).contains(&kid.len()) => Some(kid.clone()),
        Some(_) => return Err(format!("has a kid that is not a string of 1 to {MAX_KID} bytes")),
    };
    let part = |name: &str| text(name).ok_or_else(|| format!("has no {name}"));
    let decoded = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part(name)?);
        bytes.map_err(|_| format!("has a {name} that is not base64url"))
    };
    let unreadable = |error: jsonwebtoken::errors::Error| format!("cannot be read: {error}");
    let made = match algorithm {
        Algorithm::HS256 => return TokenKey::of_secret(kid, &decoded("k")?).map(Fate::Taken),
        Algorithm::RS256 => DecodingKey::from_rsa_components(part("n")?, part("e")?),
        Algorithm::ES256 => DecodingKey::from_ec_components(part("x")?, part("y")?),
        _ => DecodingKey::from_ed_components(part("x")?),
    };
    TokenKey::new(kid, algorithm, made.map_err(unreadable)?).map(Fate::Taken)
}
