//! Every setting of the server, its default, its unit and its limits. The only reader of the environment.
//!
//! A flag wins over its environment variable `BOXOFFICE_<FLAG>`, which wins over its key in the TOML file of `--config`.

mod credentials;
mod dev_command;
mod file;
mod keys_command;
mod network;
mod new_command;
mod operating;
mod operator_command;
mod recording;
mod rules;
mod rules_command;
mod trusting;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use ipnet::IpNet;

use crate::auth::AuthMode;
use crate::limiter::RateLimit;
use values::{bytes, duration, log_filter, memo, rate_limit};

pub use credentials::JwtSettings;
pub use dev_command::Dev;
pub use keys_command::{CreateKey, Expiry, KeysCommand, ListKeys, RevokeKey, Token};
pub use network::{NetworkSettings, RateLimitBy};
pub use new_command::{Language, New};
pub use operating::Operating;
pub use operator_command::{Activate, AdminUrl, As, Delete, List, Prove, Push, Rollback, Surface};
pub use recording::RecordingSettings;
pub use rules::{CacheDir, Compiling, RulesLimits};
pub use rules_command::{Check, Contract, Keygen, Replay, RulesCommand, Sign, Test};
pub use trusting::Trusting;
pub use values::{ByteSize, MemoSetting, RateSetting};

/// Sells the last seat exactly once: an event registration and ticketing server whose rules are a sandboxed component.
#[derive(Debug, Parser)]
#[command(name = "boxoffice", version, about, max_term_width = 100)]
#[command(after_help = "Examples:\n  boxoffice serve\n  boxoffice serve --db /srv/events.db --listen 127.0.0.1:9000")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What boxoffice can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the REST API.
    Serve(Box<Serve>),
    /// Work with rules modules.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Prove on a running host that what is promised holds: no seat was sold twice.
    Check(Prove),
    /// Make, list and revoke the API keys of a running host.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Print a JSON Web Token, for development.
    Token(Token),
    /// Compile one component from stdin to stdout: what this program starts itself as, for a process with limits of its own.
    #[command(hide = true)]
    CompileModule,
}

/// The settings of `boxoffice serve`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  boxoffice serve
      127.0.0.1:8080, events.db in this folder, the standard rules, header roles
  boxoffice serve --listen 127.0.0.1:0 --db /tmp/try.db --hold 10s
      a free port, another database, short holds
  BOXOFFICE_DB=/srv/events.db boxoffice serve --config /etc/boxoffice.toml --print-config
      what would be in force, and where each value comes from")]
pub struct Serve {
    /// Read settings from this TOML file; its keys are the names of the flags
    #[arg(long, value_name = "FILE", env = "BOXOFFICE_CONFIG", help_heading = "Configuration")]
    pub config: Option<PathBuf>,

    /// Print what is in force and where each value comes from, and stop
    #[arg(long, help_heading = "Configuration")]
    pub print_config: bool,

    /// Address of the REST API; port 0 picks a free one, told in the log line `listening`
    #[arg(long, value_name = "ADDR", env = "BOXOFFICE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Address of the operator's surface: /healthz, /readyz and /metrics, and with --admin-token-file the modules
    #[arg(long, value_name = "ADDR", env = "BOXOFFICE_ADMIN_LISTEN", default_value = "127.0.0.1:8081")]
    pub admin_listen: SocketAddr,

    /// The SQLite database; made when it is missing
    #[arg(long, value_name = "PATH", env = "BOXOFFICE_DB", default_value = "events.db")]
    pub db: PathBuf,

    /// Serve the rules of this component instead of the standard ones
    #[arg(long, value_name = "FILE", env = "BOXOFFICE_RULES", help_heading = "Rules")]
    pub rules: Option<PathBuf>,

    /// Serve what the file of --rules has whenever it changes; a build that would not be served leaves the one before, and the log says why
    #[arg(long, env = "BOXOFFICE_WATCH", help_heading = "Rules", value_parser = BoolishValueParser::new())]
    pub watch: bool,

    /// Whose modules are served.
    #[command(flatten)]
    pub trusting: Trusting,

    /// What one run of the rules may use.
    #[command(flatten)]
    pub limits: RulesLimits,

    /// What compiling a module may take.
    #[command(flatten)]
    pub compiling: Compiling,

    /// What operators set.
    #[command(flatten)]
    pub operating: Operating,

    /// What is recorded of requests.
    #[command(flatten)]
    pub recording: RecordingSettings,

    /// What lets callers in: `header`, with which anybody can take any role, for development; `jwt`, `keys`, or `jwt,keys`
    #[arg(long, value_name = "MODE", env = "BOXOFFICE_AUTH", default_value = "header", help_heading = "Access")]
    pub auth: AuthMode,

    /// How tokens are checked.
    #[command(flatten)]
    pub jwt: JwtSettings,

    /// Between clients and the API.
    #[command(flatten)]
    pub network: NetworkSettings,

    /// Allow `--auth header` on an address that others can reach, and searches by email with it, which give away ids that are keys
    #[arg(long, env = "BOXOFFICE_ALLOW_INSECURE_HEADER_AUTH", help_heading = "Access",
          value_parser = BoolishValueParser::new())]
    pub allow_insecure_header_auth: bool,

    /// Requests admitted from one client (`--rate-limit-by`) in any such span, as N/DURATION, or `off`
    #[arg(long, value_name = "N/DURATION", env = "BOXOFFICE_RATE_LIMIT", default_value = "5/10s",
          value_parser = rate_limit, help_heading = "Access")]
    pub rate_limit: RateSetting,

    /// How long a hold lasts, and the longest that rules can ask for
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_HOLD", default_value = "300s",
          value_parser = duration("1ms", "30days"), help_heading = "Tickets")]
    pub hold: Duration,

    /// Most seats in one ticket
    #[arg(long, value_name = "N", env = "BOXOFFICE_MAX_QUANTITY", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Tickets")]
    pub max_quantity: u32,

    /// How often holds that ran out are tidied away; their seats are free before that
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_SWEEP_INTERVAL", default_value = "10s",
          value_parser = duration("10ms", "1h"), help_heading = "Tickets")]
    pub sweep_interval: Duration,

    /// How long it is kept who did what, and which API keys there were that let nobody in any more; what is older goes, bit by bit
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_AUDIT_RETENTION", default_value = "90days",
          value_parser = duration("1s", "36500days"), help_heading = "Tickets")]
    pub audit_retention: Duration,

    /// How long requests in flight may take after SIGTERM or SIGINT
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_GRACE", default_value = "5s",
          value_parser = duration("0s", "1h"), help_heading = "Limits")]
    pub grace: Duration,

    /// Open connections; more wait to be accepted
    #[arg(long, value_name = "N", env = "BOXOFFICE_MAX_CONNECTIONS", default_value_t = 16_384,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Limits")]
    pub max_connections: u32,

    /// Largest body of a request
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_MAX_BODY", default_value = "64KiB",
          value_parser = bytes("1KiB", "16MiB"), help_heading = "Limits")]
    pub max_body: ByteSize,

    /// Memory for answers of routes that the rules call cacheable: while nothing is written and no hold runs out, they are given again without
    /// a run of the rules; or `off`
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_MEMO", default_value = "16MiB",
          value_parser = memo, help_heading = "Limits")]
    pub memo: MemoSetting,

    /// How long a connection may take to send the head of its next request; bounds idle connections too
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_HEADER_TIMEOUT", default_value = "30s",
          value_parser = duration("10ms", "1h"), help_heading = "Limits")]
    pub header_timeout: Duration,

    /// How long a body may take to arrive
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_BODY_TIMEOUT", default_value = "10s",
          value_parser = duration("10ms", "1h"), help_heading = "Limits")]
    pub body_timeout: Duration,

    /// How long a client may leave an answer unread
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_WRITE_TIMEOUT", default_value = "30s",
          value_parser = duration("10ms", "1h"), help_heading = "Limits")]
    pub write_timeout: Duration,

    /// Form of the log on stderr; json unless stderr is a terminal
    #[arg(long, value_name = "FORM", env = "BOXOFFICE_LOG_FORMAT", help_heading = "Log")]
    pub log_format: Option<LogFormat>,

    /// How much to log: error, warn, info, debug or trace, or a filter such as `info,boxoffice=debug`
    #[arg(long, value_name = "LEVEL", env = "BOXOFFICE_LOG", default_value = "info",
          value_parser = log_filter, help_heading = "Log")]
    pub log: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object for each line, for machines.
    Json,
    /// For people.
    Pretty,
}

/// Why the settings cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    /// The command line (or `--help`): clap's own account of it.
    Usage(Box<clap::Error>),
    /// One line that names the setting.
    Invalid(String),
}

impl From<clap::Error> for ConfigError {
    fn from(error: clap::Error) -> Self {
        Self::Usage(Box::new(error))
    }
}

impl Cli {
    /// Reads flags, environment and file.
    ///
    /// # Errors
    /// An unknown flag or key, or an impossible value, by name.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<(Self, Sources), ConfigError> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let command = Self::command();
        let (matches, from_file) = file::merge(&command, &arguments)?;
        let cli = Self::from_arg_matches(&matches)?;
        if let Command::Serve(serve) = &cli.command {
            serve.check()?;
            if !serve.auth.takes_tokens() {
                check_no_jwt(&matches)?;
            }
        }
        if let Command::Rules(RulesCommand::Dev(dev)) = &cli.command {
            dev.check()?;
        }
        let unknown_environment = file::unknown_environment(&command);
        Ok((cli, Sources { matches, from_file, unknown_environment }))
    }
}

impl Serve {
    /// The defaults of a server, for tests and tools that set what they need.
    ///
    /// # Panics
    /// Never: the defaults parse (a test starts a server on them).
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "the defaults are literals")]
    pub fn defaults() -> Self {
        let command = Self::augment_args(clap::Command::new("serve"));
        Self::from_arg_matches(&command.mut_args(|arg| arg.env(None::<&str>)).get_matches_from(["serve"])).unwrap()
    }

    /// Where compiled modules are kept when nothing is said: beside the database, as `<db>.cache`. Only the program does it; servers in
    /// tests share a module, and keep nothing.
    pub fn cache_beside_database(&mut self) {
        let mut folder = self.db.clone().into_os_string();
        folder.push(".cache");
        self.compiling.cache_dir.get_or_insert(CacheDir::At(folder.into()));
    }

    /// Where uploaded modules are kept.
    #[must_use]
    pub fn modules_dir(&self) -> PathBuf {
        self.operating.modules_dir.clone().unwrap_or_else(|| {
            let mut folder = self.db.clone().into_os_string();
            folder.push(".modules");
            folder.into()
        })
    }

    /// Settings that each are possible and together are not.
    fn check(&self) -> Result<(), ConfigError> {
        if self.watch && self.rules.as_deref().is_none_or(|file| file == Path::new("-")) {
            let why = "--watch: it serves what a file has whenever it changes; name one with --rules FILE";
            return Err(ConfigError::Invalid(why.to_owned()));
        }
        if IpNet::aggregate(&self.network.trusted_proxy).iter().any(|net| net.prefix_len() == 0) {
            let why = "--trusted-proxy: together these are all addresses, and the client would be whoever it says; name your proxies";
            return Err(ConfigError::Invalid(why.to_owned()));
        }
        if self.auth == AuthMode::Header && !self.network.trusted_proxy.is_empty() {
            let why = "--trusted-proxy: with --auth header anybody behind the proxy could take any role; use --auth jwt or keys";
            return Err(ConfigError::Invalid(why.to_owned()));
        }
        if self.auth.takes_tokens() != (self.jwt.jwt_key.is_some() || self.jwt.jwks.is_some()) {
            let why = "--auth jwt needs --jwt-key FILE or --jwks FILE, and those need --auth jwt";
            return Err(ConfigError::Invalid(why.to_owned()));
        }
        if self.auth == AuthMode::Header && self.network.rate_limit_by == RateLimitBy::Credential {
            let why = "--rate-limit-by credential: with --auth header nobody has one; use --auth jwt or keys";
            return Err(ConfigError::Invalid(why.to_owned()));
        }
        if self.auth == AuthMode::Header && !self.listen.ip().is_loopback() && !self.allow_insecure_header_auth {
            return Err(ConfigError::Invalid(format!(
                "--listen {}: with --auth header anybody can take any role, so it binds to loopback only; \
                 add --allow-insecure-header-auth if that is what you want",
                self.listen
            )));
        }
        Ok(())
    }

    /// What an operator should know whose clients' credentials anybody on the way can read; `None`: nobody can, as far as is known here.
    #[must_use]
    pub fn in_the_clear(&self) -> Option<String> {
        let sheltered = self.listen.ip().is_loopback() || !self.network.trusted_proxy.is_empty();
        if self.auth == AuthMode::Header || self.network.tls_cert.is_some() || sheltered {
            return None;
        }
        Some(format!(
            "--auth {} on {} without TLS: credentials can be read on their way; \
             give --tls-cert and --tls-key, or name the proxy that has TLS with --trusted-proxy",
            self.auth, self.listen
        ))
    }

    /// The limit in force; `None`: off.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit.0
    }
}

/// How tokens are checked is not said where none are taken: somebody meant them to be.
fn check_no_jwt(matches: &clap::ArgMatches) -> Result<(), ConfigError> {
    let Some((_, given)) = matches.subcommand() else { return Ok(()) };
    let is_given = |id: &&str| given.value_source(id).is_some_and(|source| source != ValueSource::DefaultValue);
    match ["jwt_issuer", "jwt_audience", "jwt_leeway", "jwt_roles_claim"].into_iter().find(is_given) {
        None => Ok(()),
        Some(id) => Err(ConfigError::Invalid(format!(
            "--{}: it does nothing without tokens; add --auth jwt, or leave it out",
            id.replace('_', "-")
        ))),
    }
}

/// Where each setting came from.
#[derive(Debug)]
pub struct Sources {
    matches: clap::ArgMatches,
    from_file: Vec<String>,
    unknown_environment: Vec<String>,
}

impl Sources {
    /// Variables of the environment that look like settings and are none. To be told, and no reason to stop: orchestrators set such
    /// variables for every service (`BOXOFFICE_SERVICE_HOST`, `BOXOFFICE_PORT`).
    #[must_use]
    pub fn unknown_environment(&self) -> &[String] {
        &self.unknown_environment
    }

    /// A table of settings for a person: name, value in force, source.
    #[must_use]
    pub fn table(&self) -> String {
        file::table(&Cli::command(), &self.matches, &self.from_file)
    }
}

/// The first line of what clap says: the part that names the mistake.
#[must_use]
pub fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let mut lines = text.lines();
    let line = lines.next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    // What is missing stands in the line below.
    if line.ends_with(':') { format!("{line} {}", lines.next().unwrap_or_default().trim()) } else { line.to_owned() }
}
