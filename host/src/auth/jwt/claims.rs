//! What a token claims, once its signature is right.

use std::time::Duration;

use serde_json::{Map, Value};

use super::super::owner;
use super::super::refusal::{CredentialRefusal, Refused};
use crate::config::JwtSettings;
use crate::domain::{MAX_KEY_SUBJECT, Millis, Principal, Role, Roles};

/// Most bytes of a subject (as `OpenID` Connect has it).
const MAX_SUBJECT: usize = MAX_KEY_SUBJECT;
/// Most bytes of an issuer: it is a URL, and part of every row's owner.
const MAX_ISSUER: usize = 512;

/// What a token must claim to be taken.
#[derive(Debug, Clone)]
pub struct ClaimRules {
    issuer: Option<String>,
    /// None: a token for somebody (`aud`) is for somebody else.
    audience: Vec<String>,
    leeway: Duration,
    roles_claim: String,
}

impl ClaimRules {
    /// Those of the settings.
    #[must_use]
    pub fn of(settings: &JwtSettings) -> Self {
        Self {
            issuer: settings.jwt_issuer.clone(),
            audience: settings.jwt_audience.clone(),
            leeway: settings.jwt_leeway,
            roles_claim: settings.jwt_roles_claim.clone(),
        }
    }

    /// Whom these claims let in at `now`.
    pub(super) fn principal(&self, claims: &Map<String, Value>, now: Millis) -> Result<Principal, Refused> {
        self.check_times(claims, now)?;
        let issuer = match claims.get("iss") {
            None => "",
            Some(Value::String(issuer)) if issuer.len() <= MAX_ISSUER => issuer,
            Some(_) => return Err(Refused::invalid("the token's iss is not a string of at most 512 bytes")),
        };
        if self.issuer.as_deref().is_some_and(|expected| expected != issuer) {
            return Err(Refused::invalid("the token is by another issuer"));
        }
        self.check_audience(claims.get("aud"))?;
        let subject = claims.get("sub").and_then(Value::as_str).filter(|sub| (1..=MAX_SUBJECT).contains(&sub.len()));
        let subject = subject.ok_or(Refused::invalid("the token's sub is not a string of 1 to 255 bytes"))?;
        let owner = owner::of_token(issuer, subject).ok_or(Refused::invalid("the token names nobody"))?;
        Ok(Principal::known(owner, self.roles(claims)))
    }

    fn check_times(&self, claims: &Map<String, Value>, now: Millis) -> Result<(), Refused> {
        let no_end = Refused::invalid("the token's exp is not a moment before the year 10000");
        let end = claims.get("exp").and_then(moment).ok_or(no_end)?;
        if now >= end.plus(self.leeway) {
            return Err(Refused::new(CredentialRefusal::Expired, "the token has expired"));
        }
        let Some(begin) = claims.get("nbf") else { return Ok(()) };
        let no_begin = Refused::invalid("the token's nbf is not a moment before the year 10000");
        if now.plus(self.leeway) < moment(begin).ok_or(no_begin)? {
            return Err(Refused::new(CredentialRefusal::NotYetValid, "the token is not valid yet"));
        }
        Ok(())
    }

    /// A token that says for whom it is must be for this host (RFC 7519, 4.1.3), and where the host has a name, every token must say so.
    fn check_audience(&self, claimed: Option<&Value>) -> Result<(), Refused> {
        let ours = |name: &Value| name.as_str().is_some_and(|name| self.audience.iter().any(|own| own == name));
        let is_ours = match claimed {
            None => self.audience.is_empty(),
            Some(Value::Array(names)) => names.iter().all(Value::is_string) && names.iter().any(ours),
            Some(name) => ours(name),
        };
        if is_ours { Ok(()) } else { Err(Refused::invalid("the token is for another audience")) }
    }

    /// The roles that the token has here; names that are none of ours are somebody else's.
    fn roles(&self, claims: &Map<String, Value>) -> Roles {
        match find(claims, &self.roles_claim) {
            Some(Value::String(words)) => words.split_ascii_whitespace().filter_map(Role::named).collect(),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).filter_map(Role::named).collect(),
            _ => Roles::NONE,
        }
    }
}

/// The claim of that name; or else what dots lead to. (Some issuers name claims by URLs, which have dots.)
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    find(claims.get(first)?.as_object()?, rest)
}

/// A `NumericDate`: seconds since 1970, which may have a fraction. One that is beyond what the contract can name is a mistake (such as
/// milliseconds), and would let somebody in for ever.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it is within the range, and what is cut off is under a millisecond"
)]
#[expect(clippy::cast_precision_loss, reason = "2^53 ms are beyond the range")]
fn moment(value: &Value) -> Option<Millis> {
    if let Some(seconds) = value.as_u64() {
        return seconds.checked_mul(1000).and_then(Millis::from_u64);
    }
    let ms = value.as_f64()? * 1000.0;
    (0.0..=Millis::MAX.0 as f64).contains(&ms).then_some(Millis(ms as i64))
}
