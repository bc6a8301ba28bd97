//! The commands that talk to a running host.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hyper::Uri;

use super::values::duration;
use crate::registry::Share;

/// Which host, and who asks.
#[derive(Debug, Clone, Args)]
pub struct Surface {
    /// The operator's surface of the host (its --admin-listen)
    #[arg(long, value_name = "URL", env = "BOXOFFICE_ADMIN", default_value = "http://127.0.0.1:8081", value_parser = admin_url,
          help_heading = "The host")]
    pub admin: AdminUrl,

    /// File with the operator's token, the same as the host's
    #[arg(long, value_name = "FILE", env = "BOXOFFICE_ADMIN_TOKEN_FILE", help_heading = "The host")]
    pub admin_token_file: Option<PathBuf>,

    /// How long the host may take in all; it may have to compile
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration("1s", "2h"), help_heading = "The host")]
    pub timeout: Duration,

    /// Print the host's answers as they are: JSON, one line each
    #[arg(long)]
    pub json: bool,
}

/// Where an operator's surface is: `http://HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminUrl {
    /// Name or address, and port.
    pub authority: String,
}

impl fmt::Display for AdminUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

fn admin_url(text: &str) -> Result<AdminUrl, String> {
    let usage = "write http://HOST:PORT, such as http://127.0.0.1:8081";
    if text.starts_with("https://") {
        let tunnel = "ssh -L 8081:127.0.0.1:8081 HOST";
        return Err(format!(
            "the surface speaks plain HTTP; reach another machine's through a tunnel, such as {tunnel}"
        ));
    }
    let uri: Uri = text.parse().map_err(|_| usage.to_owned())?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or(usage)?;
    if uri.scheme_str() != Some("http") || uri.path() != "/" || uri.query().is_some() || authority.host().is_empty() {
        return Err(usage.to_owned());
    }
    let port = match authority.port_u16() {
        Some(port) => port,
        None if authority.as_str() == authority.host() => 80,
        // One that there is not: never another one, which would be shown the token.
        None => return Err(usage.to_owned()),
    };
    Ok(AdminUrl { authority: format!("{}:{port}", authority.host()) })
}

/// What names a module: its digest, the beginning of one, or `standard`.
fn module_name(text: &str) -> Result<String, String> {
    let fits =
        !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    if fits { Ok(text.to_owned()) } else { Err("write a digest, the beginning of one, or standard".to_owned()) }
}

fn share(text: &str) -> Result<Share, String> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim_end().parse::<f64>();
    percent.map_err(|_| "write a number from 0.01 to 100".to_owned()).and_then(Share::percent)
}

/// How a module is to serve.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub struct As {
    /// It serves so many percent of the callers, always the same ones
    #[arg(long, value_name = "PERCENT", value_parser = share)]
    pub canary: Option<Share>,

    /// It runs beside the active module and changes nothing
    #[arg(long)]
    pub shadow: bool,
}

/// The settings of `boxoffice rules push`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules push my_rules.wasm --admin-token-file operator.token
      checks it and keeps it; it serves nobody yet. my_rules.wasm.sig goes with it, if it is there
  boxoffice rules push my_rules.wasm --canary 5
      the same, and it serves 5 % of the callers; the token's file from BOXOFFICE_ADMIN_TOKEN_FILE
  boxoffice rules push my_rules.wasm --activate --json | jq -r .digest
      two answers, two lines: that of the upload and that of the activation")]
pub struct Push {
    /// The component; `-` reads it from stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Its signature; by default FILE.sig, if there is one
    #[arg(long, value_name = "FILE.sig")]
    pub signature: Option<PathBuf>,

    /// It serves everybody
    #[arg(long, conflicts_with_all = ["canary", "shadow"])]
    pub activate: bool,

    /// How it is to serve then.
    #[command(flatten)]
    pub mode: As,

    /// Which host, and who asks.
    #[command(flatten)]
    pub surface: Surface,
}

/// The settings of `boxoffice rules list`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules list --admin-token-file operator.token
      which modules there are, who serves whom, how the canary does, what happened lately
  boxoffice rules list --json | jq -r '.modules[] | select(.state == \"active\").digest'
      for scripts")]
pub struct List {
    /// Which host, and who asks.
    #[command(flatten)]
    pub surface: Surface,
}

/// The settings of `boxoffice rules activate`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules activate 1f9c03b2
      it serves everybody from the next request on
  boxoffice rules activate 1f9c03b2 --canary 5
      it serves 5 % of the callers, until it does worse than the active module
  boxoffice rules activate standard
      back to the rules of the program")]
pub struct Activate {
    /// Its digest, the beginning of it, or `standard`
    #[arg(value_name = "DIGEST", value_parser = module_name)]
    pub module: String,

    /// It is neither canary nor shadow any longer
    #[arg(long, conflicts_with_all = ["canary", "shadow"])]
    pub off: bool,

    /// How it is to serve; without any of these, it serves everybody.
    #[command(flatten)]
    pub mode: As,

    /// Which host, and who asks.
    #[command(flatten)]
    pub surface: Surface,
}

/// The settings of `boxoffice rules rollback`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules rollback
      a canary ends; where there is none, the version before serves everybody again, at once. Where the host has just ended the canary
      by itself, that is told, and nothing else is undone
  boxoffice rules rollback --active
      the version before the active one serves everybody again, whatever there is of a canary")]
pub struct Rollback {
    /// Go back behind the active module, and not only behind a canary
    #[arg(long)]
    pub active: bool,

    /// Which host, and who asks.
    #[command(flatten)]
    pub surface: Surface,
}

/// The settings of `boxoffice rules delete`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules delete 1f9c03b2
      its file goes away; one that serves anybody is not deleted")]
pub struct Delete {
    /// Its digest, or the beginning of it
    #[arg(value_name = "DIGEST", value_parser = module_name)]
    pub module: String,

    /// Which host, and who asks.
    #[command(flatten)]
    pub surface: Surface,
}

/// The settings of `boxoffice check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice check --admin-token-file operator.token
      proves on the running host that no seat was sold twice; exit code 1 if one was")]
pub struct Prove {
    /// Which host, and who asks.
    #[command(flatten)]
    pub surface: Surface,
}
