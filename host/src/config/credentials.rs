//! Which credentials let callers in.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::values::duration;
use crate::auth::KeySource;

/// How bearer tokens are checked, with `--auth jwt`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Access")]
pub struct JwtSettings {
    /// Key that JSON Web Tokens are signed with: a public key in PEM (RSA: `RS256`, P-256: `ES256`, Ed25519: `EdDSA`), or a secret of 32 bytes
    /// or more (HS256). Read again when it changes
    #[arg(long, value_name = "FILE", env = "BOXOFFICE_JWT_KEY", conflicts_with = "jwks")]
    pub jwt_key: Option<PathBuf>,

    /// Keys that JSON Web Tokens are signed with: a JWK set (RFC 7517). Read again when it changes
    #[arg(long, value_name = "FILE", env = "BOXOFFICE_JWKS")]
    pub jwks: Option<PathBuf>,

    /// Who must have issued a token (`iss`)
    #[arg(long, value_name = "ISSUER", env = "BOXOFFICE_JWT_ISSUER", value_parser = NonEmptyStringValueParser::new())]
    pub jwt_issuer: Option<String>,

    /// For whom a token must be (`aud`); may be given again, or name several with commas between them: one of them is enough. Without
    /// this, a token that says for whom it is is for somebody else
    #[arg(long, value_name = "AUDIENCE", env = "BOXOFFICE_JWT_AUDIENCE", value_delimiter = ',',
          value_parser = NonEmptyStringValueParser::new())]
    pub jwt_audience: Vec<String>,

    /// How far clocks may be apart when `exp` and `nbf` are judged
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_JWT_LEEWAY", default_value = "30s", value_parser = duration("0s", "5m"))]
    pub jwt_leeway: Duration,

    /// The claim that has the roles (user, organizer, admin), as an array or as words; dots lead into objects (`realm_access.roles`)
    #[arg(long, value_name = "CLAIM", env = "BOXOFFICE_JWT_ROLES_CLAIM", default_value = "roles",
          value_parser = NonEmptyStringValueParser::new())]
    pub jwt_roles_claim: String,
}

impl JwtSettings {
    /// Where the keys are, if they are anywhere.
    #[must_use]
    pub fn key_source(&self) -> Option<KeySource> {
        let key = self.jwt_key.clone().map(KeySource::Key);
        key.or_else(|| self.jwks.clone().map(KeySource::Jwks))
    }
}
