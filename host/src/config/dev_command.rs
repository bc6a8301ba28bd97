//! `boxoffice rules dev`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::values::{duration, rate_limit};
use super::{Compiling, ConfigError, RateSetting, RulesLimits, Serve};

/// The settings of `boxoffice rules dev`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice rules dev target/wasm32-wasip2/release/my_rules.wasm
      serves it on 127.0.0.1:8080, anew at each build; the file need not be there yet. Ctrl-C ends it, and nothing is kept
  curl -H 'X-Role: organizer' -H 'Content-Type: application/json' -d '{\"name\":\"Concert\",\"capacity\":5}' http://127.0.0.1:8080/events
      roles come in a header: user, organizer or admin
  boxoffice rules dev my_rules.wasm --hold 5s --rate-limit 5/10s --listen 127.0.0.1:0
      short holds, the limiter as in `serve`, and a free port
  boxoffice rules dev my_rules.wasm --json | jq 'select(.event == \"request\") | .host_calls'
      for scripts: one JSON object for each request and each change of the file")]
pub struct Dev {
    /// The component; it is served anew whenever it changes
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Address to serve on, of this machine alone; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// How long a hold lasts, and the longest that the rules can ask for
    #[arg(long, value_name = "DURATION", default_value = "300s", value_parser = duration("1ms", "30days"))]
    pub hold: Duration,

    /// Requests admitted from one address in any such span, as N/DURATION; off unless it is given
    #[arg(long, value_name = "N/DURATION", default_value = "off", value_parser = rate_limit)]
    pub rate_limit: RateSetting,

    /// Print one JSON object a line for each thing that happens
    #[arg(long)]
    pub json: bool,

    /// What one run of the rules may use.
    #[command(flatten)]
    pub limits: RulesLimits,

    /// What compiling a module may take. Nothing is kept, unless a folder is named.
    #[command(flatten)]
    pub compiling: Compiling,
}

impl Dev {
    /// Settings that are possible and not meant.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.file == Path::new("-") {
            let why = "rules dev: it serves what a file has whenever it changes; name a file";
            return Err(ConfigError::Invalid(why.to_owned()));
        }
        if !self.listen.ip().is_loopback() {
            return Err(ConfigError::Invalid(format!(
                "--listen {}: on a server to try things on anybody can take any role, so it is for this machine alone; \
                 use 127.0.0.1 or [::1], or boxoffice serve",
                self.listen
            )));
        }
        Ok(())
    }

    /// What the server is started with. Callers may search by email, as those of a server with real credentials may: nothing is at stake.
    pub(crate) fn of_server(&self) -> Serve {
        Serve {
            hold: self.hold,
            rate_limit: self.rate_limit,
            limits: self.limits.clone(),
            compiling: self.compiling.clone(),
            allow_insecure_header_auth: true,
            ..Serve::defaults()
        }
    }
}
