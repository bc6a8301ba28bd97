//! Roles from a header: for development.

use hyper::HeaderMap;

use crate::domain::{Identity, Principal, Role, Roles};

/// The header that names the role.
const ROLE_HEADER: &str = "x-role";

/// Whoever has exactly one `X-Role` header with exactly the name of a role has that role; everybody else has none, and the routes that
/// need one refuse that.
pub(super) fn principal(headers: &HeaderMap, may_search: bool) -> Principal {
    let mut values = headers.get_all(ROLE_HEADER).iter();
    let role = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().and_then(Role::named),
        _ => None,
    };
    Principal { roles: Roles::from_iter(role), identity: Identity::Unproved { may_search } }
}
