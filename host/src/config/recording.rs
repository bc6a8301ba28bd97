//! Whether requests are recorded, and how much of them is kept.

use std::path::PathBuf;

use clap::Args;

use super::ByteSize;
use super::values::bytes;

/// What is recorded, and where.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Recording")]
pub struct RecordingSettings {
    /// Record requests that fail, whole, in this folder, private to the user that runs this: for `boxoffice rules replay`. The files hold
    /// personal data: emails, bodies, answers. Without it nothing is recorded
    #[arg(long, value_name = "DIR", env = "BOXOFFICE_RECORD")]
    pub record: Option<PathBuf>,

    /// Record one in N requests too, whatever comes of them; 0: none
    #[arg(long, value_name = "N", env = "BOXOFFICE_RECORD_SAMPLE", default_value_t = 0,
          value_parser = clap::value_parser!(u32))]
    pub record_sample: u32,

    /// Recordings that are kept; the oldest go first
    #[arg(long, value_name = "N", env = "BOXOFFICE_RECORD_FILES", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub record_files: u32,

    /// Bytes of all recordings together; the oldest go first. One with the largest answers and calls has some 10 MiB
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_RECORD_BYTES", default_value = "64MiB",
          value_parser = bytes("64KiB", "1TiB"))]
    pub record_bytes: ByteSize,
}
