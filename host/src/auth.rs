//! From a credential to a [`Principal`]. Knows no URL.

use hyper::HeaderMap;

use crate::domain::{Principal, Role};

/// The header that names the role, with `--auth header`.
const ROLE_HEADER: &str = "x-role";

/// Where callers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AuthMode {
    /// The role is what the `X-Role` header says. Anybody can say it: for development on loopback.
    Header,
}

impl AuthMode {
    /// Who is asking. With header roles: whoever has exactly one `X-Role` header with exactly the name of a role; everybody
    /// else is nobody in particular, and the routes that need a role refuse that.
    #[must_use]
    pub fn principal(self, headers: &HeaderMap) -> Principal {
        match self {
            Self::Header => {
                let mut values = headers.get_all(ROLE_HEADER).iter();
                let (Some(value), None) = (values.next(), values.next()) else {
                    return Principal::default();
                };
                let role = value.to_str().ok().and_then(Role::named);
                role.map(Principal::with_role).unwrap_or_default()
            }
        }
    }
}
