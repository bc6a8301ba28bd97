//! Which credentials there are.

use std::fmt;
use std::str::FromStr;

/// What lets callers in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// The role is what the `X-Role` header says. Anybody can say it: for development on loopback.
    Header,
    /// Bearer tokens (RFC 6750) of these kinds.
    Credentials(Credentials),
}

/// Kinds of bearer tokens; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// JSON Web Tokens (RFC 7519) that somebody else issues.
    pub jwt: bool,
    /// API keys of this host.
    pub keys: bool,
}

impl AuthMode {
    /// Whether JSON Web Tokens let callers in.
    #[must_use]
    pub fn takes_tokens(self) -> bool {
        matches!(self, Self::Credentials(Credentials { jwt: true, .. }))
    }

    /// Whether API keys let callers in.
    #[must_use]
    pub fn takes_keys(self) -> bool {
        matches!(self, Self::Credentials(Credentials { keys: true, .. }))
    }
}

impl FromStr for AuthMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "header" => Ok(Self::Header),
            "jwt" => Ok(Self::Credentials(Credentials { jwt: true, keys: false })),
            "keys" => Ok(Self::Credentials(Credentials { jwt: false, keys: true })),
            "jwt,keys" | "keys,jwt" => Ok(Self::Credentials(Credentials { jwt: true, keys: true })),
            _ => Err("write header, jwt, keys, or jwt,keys".to_owned()),
        }
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Credentials(Credentials { jwt: true, keys: true }) => "jwt,keys",
            Self::Credentials(Credentials { jwt: true, .. }) => "jwt",
            Self::Credentials(_) => "keys",
        })
    }
}
