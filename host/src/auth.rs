//! From a credential to a [`Principal`]. Knows no URL.
//!
//! Invariant: a credential that lets nobody in is told so at once, whatever was asked for; what it is told says nothing of which keys there
//! are. Nothing of a credential gets into the log.

mod api_keys;
mod bearer;
mod header;
mod jwt;
mod mode;
mod owner;
mod refusal;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::HeaderMap;

pub(crate) use api_keys::run as note_uses;
pub use api_keys::{ApiKeys, KeyRefusal, MAX_API_KEYS};
pub(crate) use jwt::Rotation;
pub use jwt::{ClaimRules, Issue, Jwt, KeySet, KeySource, SigningKey};
pub use mode::{AuthMode, Credentials};
pub use refusal::{CredentialRefusal, Refused};

use crate::clock::Clock;
use crate::domain::{Millis, Principal};
use crate::metrics::Reasons;
use crate::operator::Told;

/// Knows callers by what they send.
#[derive(Debug)]
pub struct Authenticator {
    mode: AuthMode,
    /// Whether callers with header roles may search for rows, which gives away ids that are keys.
    may_search: bool,
    /// Present where tokens are taken.
    jwt: Option<Arc<Jwt>>,
    /// Operators make and revoke keys whatever lets callers in.
    keys: Arc<ApiKeys>,
    refused: Reasons,
    told: Mutex<Told>,
}

impl Authenticator {
    /// Callers are known as `mode` says. `may_search` is for header roles, `jwt` for tokens.
    pub(crate) fn new(
        mode: AuthMode,
        may_search: bool,
        jwt: Option<Arc<Jwt>>,
        keys: Arc<ApiKeys>,
        refused: Reasons,
    ) -> Self {
        Self { mode, may_search, jwt, keys, refused, told: Mutex::default() }
    }

    /// How callers are known.
    #[must_use]
    pub fn mode(&self) -> AuthMode {
        self.mode
    }

    /// The API keys, which operators make and revoke.
    #[must_use]
    pub fn keys(&self) -> &Arc<ApiKeys> {
        &self.keys
    }

    /// Who is asking, by this clock's wall time. Without a credential it is nobody, for whom what is public is all that there is. `address`
    /// is for the log.
    ///
    /// # Errors
    /// There is a credential, and it lets nobody in.
    pub fn principal(
        &self,
        headers: &HeaderMap,
        clock: &dyn Clock,
        address: IpAddr,
    ) -> Result<Principal, CredentialRefusal> {
        if self.mode == AuthMode::Header {
            return Ok(header::principal(headers, self.may_search));
        }
        self.by_token(headers, clock.wall()).map_err(|refused| self.refuse(refused, clock, address))
    }

    /// Whether an API key that has let this caller in still does: asked after a body was waited for, which whoever holds a revoked key could
    /// have held back. Costs a hash and a look into memory (1 µs); for everybody else, nothing.
    ///
    /// # Errors
    /// It was revoked, or it has expired.
    pub fn still_good(&self, headers: &HeaderMap, clock: &dyn Clock, address: IpAddr) -> Result<(), CredentialRefusal> {
        if !self.mode.takes_keys() {
            return Ok(());
        }
        let again = match bearer::token(headers) {
            Ok(Some(token)) if token.starts_with(api_keys::PREFIX) => {
                self.keys.principal(token, clock.wall()).map(drop)
            }
            _ => Ok(()),
        };
        again.map_err(|refused| self.refuse(refused, clock, address))
    }

    fn refuse(&self, refused: Refused, clock: &dyn Clock, address: IpAddr) -> CredentialRefusal {
        self.refused.count(refused.refusal.name());
        self.tell(refused, clock.elapsed(), address);
        refused.refusal
    }

    fn by_token(&self, headers: &HeaderMap, now: Millis) -> Result<Principal, Refused> {
        let Some(token) = bearer::token(headers)? else { return Ok(Principal::default()) };
        let wrong_kind = |why| Refused::new(CredentialRefusal::WrongKind, why);
        if token.starts_with(api_keys::PREFIX) {
            if !self.mode.takes_keys() {
                return Err(wrong_kind("it is an API key, which --auth does not take"));
            }
            return self.keys.principal(token, now);
        }
        match &self.jwt {
            Some(jwt) => jwt.principal(token, now),
            None => Err(wrong_kind("it is no API key, and --auth takes nothing else")),
        }
    }

    /// One line in a while, so that whoever guesses does not fill the disk. The metric counts them all.
    fn tell(&self, refused: Refused, elapsed: Duration, address: IpAddr) {
        let due = self.told.lock().unwrap_or_else(PoisonError::into_inner).is_due(elapsed);
        let Some(more) = due else { return };
        let (reason, why) = (refused.refusal.name(), refused.why);
        tracing::warn!(target: "credentials", %address, reason, why, more, "a credential that lets nobody in");
    }
}
