//! From a credential to a [`Principal`]. Knows no URL.

mod header;
mod mode;
mod refusal;

use hyper::HeaderMap;

pub use mode::{AuthMode, Credentials};
pub use refusal::CredentialRefusal;

use crate::domain::{Millis, Principal};

/// Knows callers by what they send.
#[derive(Debug)]
pub struct Authenticator {
    mode: AuthMode,
    /// Whether callers with header roles may search for rows, which gives away ids that are keys.
    may_search: bool,
}

impl Authenticator {
    /// Callers by the `X-Role` header, which anybody can send.
    #[must_use]
    pub fn by_header(may_search: bool) -> Self {
        Self { mode: AuthMode::Header, may_search }
    }

    /// How callers are known.
    #[must_use]
    pub fn mode(&self) -> AuthMode {
        self.mode
    }

    /// Who is asking at `now`. Without a credential it is nobody, for whom what is public is all that there is.
    ///
    /// # Errors
    /// There is a credential, and it lets nobody in.
    pub fn principal(&self, headers: &HeaderMap, _now: Millis) -> Result<Principal, CredentialRefusal> {
        match self.mode {
            AuthMode::Header => Ok(header::principal(headers, self.may_search)),
            AuthMode::Credentials(_) => Ok(Principal::default()),
        }
    }
}
