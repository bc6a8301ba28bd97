//! The token of `Authorization: Bearer TOKEN` (RFC 6750).

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::refusal::{CredentialRefusal, Refused};

const SCHEME: &str = "bearer";

/// The token that came, if one did.
pub(super) fn token(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let malformed = |why| Refused::new(CredentialRefusal::Malformed, why);
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed("there are two Authorization headers"));
    }
    let text = value.to_str().map_err(|_| malformed("the Authorization header is not ASCII"))?;
    let (scheme, token) = text.split_once(' ').ok_or_else(|| malformed("there is no token behind the scheme"))?;
    // The scheme's case does not matter (RFC 9110, 11.1).
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(malformed("the scheme is not Bearer"));
    }
    let token = token.trim_matches(' ');
    if token.is_empty() || !token.bytes().all(is_of_a_token) {
        return Err(malformed("what is behind Bearer is not one token"));
    }
    Ok(Some(token))
}

/// The characters of `b64token`.
fn is_of_a_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}
