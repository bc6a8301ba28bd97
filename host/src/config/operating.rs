//! What operators set: who they are, where modules are kept, and when a canary is rolled back.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{duration, percent};
use crate::registry::CanaryPolicy;

/// The operator's surface and the modules.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Operating")]
pub struct Operating {
    /// File with the token of the operator's surface, 16 visible characters or more on one line; without it, only /healthz, /readyz and
    /// /metrics answer
    #[arg(long, value_name = "FILE", env = "BOXOFFICE_ADMIN_TOKEN_FILE")]
    pub admin_token_file: Option<PathBuf>,

    /// Folder of uploaded modules, private to the user that runs this. Default: beside the database, as <db>.modules
    #[arg(long, value_name = "DIR", env = "BOXOFFICE_MODULES_DIR")]
    pub modules_dir: Option<PathBuf>,

    /// How long a module may take to arrive when it is uploaded; 64 MiB, the most, in the default time are 1 MB/s
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_UPLOAD_TIMEOUT", default_value = "60s",
          value_parser = duration("10ms", "1h"))]
    pub upload_timeout: Duration,

    /// So much of the past decides whether a canary is rolled back by itself
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_CANARY_WINDOW", default_value = "60s",
          value_parser = duration("1s", "1h"))]
    pub canary_window: Duration,

    /// Runs of the canary in the window before it is judged: fewer say nothing
    #[arg(long, value_name = "N", env = "BOXOFFICE_CANARY_MIN_REQUESTS", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub canary_min_requests: u32,

    /// Runs of a canary that may fail (traps, limits, bad answers), in percent
    #[arg(long, value_name = "PERCENT", env = "BOXOFFICE_CANARY_MAX_FAILED", default_value_t = 1.0, value_parser = percent)]
    pub canary_max_failed: f64,

    /// Answers of a canary that may be 5xx, failed runs included, in percent; unless the active module has half as many or more
    #[arg(long, value_name = "PERCENT", env = "BOXOFFICE_CANARY_MAX_5XX", default_value_t = 5.0, value_parser = percent)]
    pub canary_max_5xx: f64,

    /// What 99 percent of a canary's answers must be faster than; unless the active module is half as often slow or more
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_CANARY_MAX_P99", default_value = "1s",
          value_parser = duration("1ms", "60s"))]
    pub canary_max_p99: Duration,
}

impl Operating {
    /// When a canary is rolled back.
    #[must_use]
    pub fn canary_policy(&self) -> CanaryPolicy {
        CanaryPolicy {
            window: self.canary_window,
            min_requests: self.canary_min_requests,
            max_failed: self.canary_max_failed,
            max_server_errors: self.canary_max_5xx,
            max_p99: self.canary_max_p99,
        }
    }
}
