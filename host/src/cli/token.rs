//! `boxoffice token`: a JSON Web Token for development.

use std::process::ExitCode;

use super::tell;
use crate::auth::{Issue, SigningKey};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Token;

/// Prints a token, and nothing else.
pub(super) fn issue(settings: &Token) -> ExitCode {
    let signed = SigningKey::read(&settings.jwt_key).and_then(|key| {
        let wanted = Issue {
            subject: settings.subject.clone(),
            roles: settings.roles.iter().copied().collect(),
            roles_claim: settings.roles_claim.clone(),
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            expires: settings.expires,
            kid: settings.kid.clone(),
        };
        wanted.sign(&key, SystemClock::start().now())
    });
    match signed {
        Ok(token) if tell(&token).is_ok() => ExitCode::SUCCESS,
        // Whoever closed stdout does not want to know.
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("boxoffice: --jwt-key {} {why}", settings.jwt_key.display());
            ExitCode::FAILURE
        }
    }
}
