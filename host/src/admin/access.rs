//! Whether it is the operator who asks.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::answer::Trouble;
use crate::clock::Clock;
use crate::operator::Operator;

/// How often a wrong token is told in the log at the most; what comes between is counted. Who guesses must not fill the disk.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Knows the operator, and tells of those who are not.
pub(super) struct Access {
    operator: Operator,
    clock: Arc<dyn Clock>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    last: Option<Duration>,
    untold: u64,
}

impl Access {
    pub(super) fn of(operator: Operator, clock: Arc<dyn Clock>) -> Self {
        Self { operator, clock, told: Mutex::default() }
    }

    /// Lets the operator in.
    pub(super) fn check(&self, headers: &HeaderMap, peer: IpAddr) -> Result<(), Trouble> {
        if !self.operator.exists() {
            return Err(Trouble::NoToken);
        }
        let token = bearer(headers).ok_or(Trouble::Unauthenticated)?;
        if self.operator.is(token) {
            return Ok(());
        }
        self.tell(peer);
        Err(Trouble::Unauthenticated)
    }

    fn tell(&self, peer: IpAddr) {
        let now = self.clock.elapsed();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.last.is_some_and(|last| now.saturating_sub(last) < TELL_EVERY) {
            told.untold = told.untold.saturating_add(1);
            return;
        }
        let more = std::mem::take(&mut told.untold);
        told.last = Some(now);
        drop(told);
        tracing::warn!(target: "operator", address = %peer, more, "a wrong operator's token");
    }
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750), if there is exactly one such header.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_at_checked("bearer".len())?;
    let token = token.trim_ascii();
    let is_one = value.as_bytes().get(scheme.len()) == Some(&b' ') && !token.is_empty() && !token.contains(&b' ');
    (scheme.eq_ignore_ascii_case(b"bearer") && is_one).then_some(token)
}
