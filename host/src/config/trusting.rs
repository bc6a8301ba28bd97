//! Whose modules are served: shared by the commands that load modules.

use std::path::PathBuf;

use clap::Args;

use crate::trust::{KeyError, Trust};

/// The keys that are trusted.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rules")]
pub struct Trusting {
    /// Serve only modules with a signature beside them (FILE.sig) by this public key; may be given again, or name several files, with
    /// commas between them. `boxoffice rules keygen` makes a key, `rules sign` a signature. The built-in rules need none
    #[arg(long, value_name = "KEY.pub", env = "BOXOFFICE_RULES_TRUST", value_delimiter = ',')]
    pub rules_trust: Vec<PathBuf>,
}

impl Trusting {
    /// Reads the keys.
    ///
    /// # Errors
    /// The first file that has no public key.
    pub fn trust(&self) -> Result<Trust, KeyError> {
        Trust::read(&self.rules_trust)
    }
}
