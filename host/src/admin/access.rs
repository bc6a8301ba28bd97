//! Whether it is the operator who asks.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use super::answer::Trouble;
use crate::clock::Clock;
use crate::operator::Operator;

/// Knows the operator, and tells of those who are not.
pub(super) struct Access {
    operator: Operator,
    clock: Arc<dyn Clock>,
}

impl Access {
    pub(super) fn of(operator: Operator, clock: Arc<dyn Clock>) -> Self {
        Self { operator, clock }
    }

    /// Lets the operator in.
    pub(super) fn check(&self, headers: &HeaderMap, peer: IpAddr) -> Result<(), Trouble> {
        if !self.operator.exists() {
            return Err(Trouble::NoToken);
        }
        let token = bearer(headers).ok_or(Trouble::Unauthenticated)?;
        if self.operator.check(token, peer, self.clock.elapsed()) { Ok(()) } else { Err(Trouble::Unauthenticated) }
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
