//! The commands for credentials: `boxoffice keys` and `boxoffice token`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use clap::{Args, Subcommand};

use super::Surface;
use super::values::duration;
use crate::domain::{Millis, Role};

/// When a key ends: after some time, or at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// So long after it was made.
    After(Duration),
    /// Then.
    At(Millis),
}

impl Expiry {
    /// The moment, for what is made at `now`.
    #[must_use]
    pub fn at(self, now: Millis) -> Millis {
        match self {
            Self::After(span) => now.plus(span),
            Self::At(end) => end,
        }
    }
}

impl FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(span) = humantime::parse_duration(text) {
            return if span.is_zero() { Err("must be in the future".to_owned()) } else { Ok(Self::After(span)) };
        }
        let end = humantime::parse_rfc3339(text).ok().and_then(|end| end.duration_since(UNIX_EPOCH).ok());
        let end = end.and_then(|end| u64::try_from(end.as_millis()).ok()).and_then(Millis::from_u64);
        end.map(Self::At)
            .ok_or_else(|| "write a duration such as 30days, or a moment such as 2027-01-31T12:00:00Z".to_owned())
    }
}

/// Somebody's role.
fn role(text: &str) -> Result<Role, String> {
    Role::named(text).ok_or_else(|| "write user, organizer or admin".to_owned())
}

/// What `boxoffice keys` can do.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make an API key of a running host. It is shown once.
    Create(CreateKey),
    /// Say which API keys a running host has.
    List(ListKeys),
    /// Revoke an API key of a running host: it lets nobody in from then on.
    Revoke(RevokeKey),
}

/// The settings of `boxoffice keys create`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice keys create shop --role user --admin-token-file operator.token
      prints the key, for the Authorization header: nobody sees it again
  boxoffice keys create box-office --role user --role organizer --expires 30days
      for two roles and a month; the token's file from BOXOFFICE_ADMIN_TOKEN_FILE
  boxoffice keys create shop-2027 --role user --subject 9f86d081884c7d65
      in the place of the key of that id: what one has made, the other owns
  boxoffice keys create ci --role user --json | jq -r .key
      for scripts")]
pub struct CreateKey {
    /// What you call it
    #[arg(value_name = "NAME")]
    pub name: String,

    /// What its bearer may be: user, organizer or admin; may be given again, or name several with commas between them
    #[arg(long = "role", value_name = "ROLE", required = true, value_delimiter = ',', value_parser = role)]
    pub roles: Vec<Role>,

    /// Whose the tickets and events are that its bearer makes; keys with the same subject share them. By default its own
    #[arg(long, value_name = "SUBJECT")]
    pub subject: Option<String>,

    /// How long it is good, or until when (`2027-01-31T12:00:00Z`); by default until it is revoked
    #[arg(long, value_name = "DURATION|TIME", value_parser = expiry)]
    pub expires: Option<String>,

    /// Which host, and who asks.
    #[command(flatten)]
    pub surface: Surface,
}

/// As it is written, once it is known to be one: the host reads it again, with its own clock.
fn expiry(text: &str) -> Result<String, String> {
    text.parse::<Expiry>().map(|_| text.to_owned())
}

/// The settings of `boxoffice keys list`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice keys list --admin-token-file operator.token
      all keys, revoked ones included; never the keys themselves
  boxoffice keys list --json | jq -r '.keys[] | select(.state == \"expired\").id'
      for scripts: one line for each hundred of them")]
pub struct ListKeys {
    /// Which host, and who asks.
    #[command(flatten)]
    pub surface: Surface,
}

/// The settings of `boxoffice keys revoke`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice keys revoke 9f86d081884c7d65
      the next request with it is refused. It stays in the list")]
pub struct RevokeKey {
    /// Its id: the 16 digits behind bo_
    #[arg(value_name = "ID", value_parser = key_id)]
    pub id: String,

    /// Which host, and who asks.
    #[command(flatten)]
    pub surface: Surface,
}

fn key_id(text: &str) -> Result<String, String> {
    let fits = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if fits { Ok(text.to_owned()) } else { Err("write the id, 16 digits; `boxoffice keys list` has it".to_owned()) }
}

/// The settings of `boxoffice token`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  head -c 32 /dev/urandom | base64 > jwt.secret && chmod 600 jwt.secret
  boxoffice serve --auth jwt --jwt-key jwt.secret
  boxoffice token --jwt-key jwt.secret --subject ada --role user
      a secret, a server that takes it, and a token for an hour
  curl -H \"Authorization: Bearer $(boxoffice token --jwt-key jwt.secret --subject ada --role user)\" ...
      the token is all that is printed
  openssl genpkey -algorithm ed25519 -out issuer.pem && openssl pkey -in issuer.pem -pubout -out issuer.pub
  boxoffice token --jwt-key issuer.pem --subject ada --role organizer --issuer https://id.example --expires 1day
      signed with EdDSA, for a server with --jwt-key issuer.pub")]
pub struct Token {
    /// What it is signed with: a secret of 32 bytes or more (HS256), or a private key in PEM (PKCS#8: RSA, P-256, Ed25519)
    #[arg(long, value_name = "FILE", env = "BOXOFFICE_TOKEN_KEY")]
    pub jwt_key: PathBuf,

    /// Who it lets in (`sub`)
    #[arg(long, value_name = "SUBJECT")]
    pub subject: String,

    /// As what: user, organizer or admin; may be given again, or name several with commas between them
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',', value_parser = role)]
    pub roles: Vec<Role>,

    /// Who issues it (`iss`): the server's --jwt-issuer
    #[arg(long, value_name = "ISSUER")]
    pub issuer: Option<String>,

    /// For whom it is (`aud`): the server's --jwt-audience; may be given again
    #[arg(long, value_name = "AUDIENCE")]
    pub audience: Vec<String>,

    /// How long it is good
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration("1s", "366days"))]
    pub expires: Duration,

    /// What the server's JWK set calls the key (`kid`)
    #[arg(long, value_name = "KID")]
    pub kid: Option<String>,

    /// The claim that has the roles: the server's --jwt-roles-claim
    #[arg(long, value_name = "CLAIM", default_value = "roles")]
    pub roles_claim: String,
}
