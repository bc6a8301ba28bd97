//! What a module may use: shared by the commands that run rules.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::ByteSize;
use super::values::{bytes, duration};
use crate::wasm::{Cache, CompileLimits, Compiler, CompilerProgram, Limits};

/// The limits of one run of the rules.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits of the rules")]
pub struct RulesLimits {
    /// CPU time that the rules may use for one request; the store's time does not count. An honest request needs well under 1 ms
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_RULES_CPU", default_value = "100ms",
          value_parser = duration("1ms", "60s"))]
    pub rules_cpu: Duration,

    /// Time that one run of the rules may take in all, waiting for the store included; longer, and the client has given up
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_RULES_TIMEOUT", default_value = "3s",
          value_parser = duration("1ms", "60s"))]
    pub rules_timeout: Duration,

    /// Size of one linear memory. JavaScript and Python need some 20 MiB
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_RULES_MEMORY", default_value = "64MiB",
          value_parser = bytes("1MiB", "1GiB"))]
    pub rules_memory: ByteSize,

    /// Memory of all runs together, beyond 4 MiB for each, which nobody can take away. Without it, runs that are each within their limit
    /// could together have more than the machine
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_RULES_MEMORY_IN_ALL", default_value = "1GiB",
          value_parser = bytes("0B", "1TiB"))]
    pub rules_memory_in_all: ByteSize,

    /// Linear memories of one run. Every toolchain makes one; an adapter can add a second
    #[arg(long, value_name = "N", env = "BOXOFFICE_RULES_MEMORIES", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..=16))]
    pub rules_memories: u32,

    /// Tables of one run. Rust makes one, JavaScript and Python a few
    #[arg(long, value_name = "N", env = "BOXOFFICE_RULES_TABLES", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub rules_tables: u32,

    /// Elements of one table. A table has one for each function whose address is taken; Python's has some 10,000
    #[arg(long, value_name = "N", env = "BOXOFFICE_RULES_TABLE_ELEMENTS", default_value_t = 20_000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rules_table_elements: u32,

    /// The guest's stack; deeper recursion is a trap
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_RULES_STACK", default_value = "512KiB",
          value_parser = bytes("64KiB", "8MiB"))]
    pub rules_stack: ByteSize,

    /// Calls of events and tickets that the rules may make for one request. The standard rules make one
    #[arg(long, value_name = "N", env = "BOXOFFICE_RULES_HOST_CALLS", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rules_host_calls: u32,

    /// Bytes that one host call may hand over, and an answer have in all: an answer of 1 MiB, its headers, and room for both
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_RULES_HOST_CALL_BYTES", default_value = "2MiB",
          value_parser = bytes("64KiB", "64MiB"))]
    pub rules_host_call_bytes: ByteSize,

    /// Bytes that all calls of events and tickets of one request may move, both ways. A page of 100 events at their size limits has 1 MiB
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_RULES_HOST_BYTES", default_value = "8MiB",
          value_parser = bytes("64KiB", "256MiB"))]
    pub rules_host_bytes: ByteSize,

    /// Lines that the rules may log for one request; the rest is counted
    #[arg(long, value_name = "N", env = "BOXOFFICE_RULES_LOG_LINES", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub rules_log_lines: u32,

    /// Bytes of the lines that the rules may log for one request; what is over is dropped and counted
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_RULES_LOG_BYTES", default_value = "32KiB",
          value_parser = bytes("0B", "16MiB"))]
    pub rules_log_bytes: ByteSize,

    /// Bytes of stdout and stderr that are kept for the log when a run fails: a panic's message, a stack's worth
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_RULES_OUTPUT_BYTES", default_value = "8KiB",
          value_parser = bytes("0B", "1MiB"))]
    pub rules_output_bytes: ByteSize,

    /// Body of an answer. A page of 100 events at their size limits has 1 MiB
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_RULES_ANSWER_BYTES", default_value = "1MiB",
          value_parser = bytes("1KiB", "32MiB"))]
    pub rules_answer_bytes: ByteSize,

    /// Headers of an answer; proxies and clients refuse a few more than this
    #[arg(long, value_name = "N", env = "BOXOFFICE_RULES_ANSWER_HEADERS", default_value_t = 32,
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub rules_answer_headers: u32,

    /// The value of one header of an answer; many proxies refuse more than 8 KiB of headers in all
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_RULES_ANSWER_HEADER_BYTES", default_value = "4KiB",
          value_parser = bytes("64B", "8KiB"))]
    pub rules_answer_header_bytes: ByteSize,

    /// Runs of the rules at the same time; each keeps up to 256 KiB of each memory and table resident, the standard rules some 80 KiB in all
    #[arg(long, value_name = "N", env = "BOXOFFICE_MAX_INSTANCES", default_value_t = 256,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub max_instances: u32,

    /// Requests that one instance of the rules serves. 1 is isolation: no state leaks from one caller to the next. More halves the
    /// CPU time of a call, and what a module keeps in its memory then survives from request to request
    #[arg(long, value_name = "N", env = "BOXOFFICE_INSTANCE_REUSE", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub instance_reuse: u32,
}

impl RulesLimits {
    /// As the engine takes them.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            cpu: self.rules_cpu,
            timeout: self.rules_timeout,
            memory: self.rules_memory.0,
            memory_in_all: self.rules_memory_in_all.0,
            memories: self.rules_memories,
            tables: self.rules_tables,
            table_elements: self.rules_table_elements as usize,
            stack: self.rules_stack.0,
            host_calls: self.rules_host_calls,
            host_call_bytes: self.rules_host_call_bytes.0,
            host_bytes: self.rules_host_bytes.0,
            log_lines: self.rules_log_lines,
            log_bytes: self.rules_log_bytes.0,
            output_bytes: self.rules_output_bytes.0,
            answer_bytes: self.rules_answer_bytes.0,
            answer_headers: self.rules_answer_headers as usize,
            answer_header_bytes: self.rules_answer_header_bytes.0,
            instances: self.max_instances,
            reuse: self.instance_reuse,
        }
    }
}

/// How modules are compiled, and where the result is kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Compiling the rules")]
pub struct Compiling {
    /// How long compiling a module may take; 12 MB of JavaScript take 20 to 40 s on two cores
    #[arg(long, value_name = "DURATION", env = "BOXOFFICE_COMPILE_TIMEOUT", default_value = "120s",
          value_parser = duration("100ms", "1h"))]
    pub compile_timeout: Duration,

    /// Memory that compiling a module may take, in a process of its own
    #[arg(long, value_name = "BYTES", env = "BOXOFFICE_COMPILE_MEMORY", default_value = "2GiB",
          value_parser = bytes("64MiB", "64GiB"))]
    pub compile_memory: ByteSize,

    /// Folder of compiled modules, private to the user that runs this; or `off`. It holds native code: never put one there that came
    /// from elsewhere. Default of `serve`: beside the database, as
    /// <db>.cache; of the other commands: off
    #[arg(long, value_name = "DIR", env = "BOXOFFICE_CACHE_DIR", value_parser = cache_dir)]
    pub cache_dir: Option<CacheDir>,

    /// What compiles; no setting. The running program, unless it is another that has the host as a library.
    #[arg(skip)]
    pub program: CompilerProgram,
}

/// Where compiled modules are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheDir {
    /// Nowhere.
    Off,
    /// In this folder.
    At(PathBuf),
}

/// Parses a folder or `off`.
#[expect(clippy::unnecessary_wraps, reason = "clap's form")]
fn cache_dir(text: &str) -> Result<CacheDir, std::convert::Infallible> {
    Ok(if text == "off" { CacheDir::Off } else { CacheDir::At(text.into()) })
}

impl Compiling {
    /// The compiler that these settings describe.
    #[must_use]
    pub fn compiler(&self) -> Compiler {
        let limits = CompileLimits { timeout: self.compile_timeout, memory: self.compile_memory.0 };
        let cache = match &self.cache_dir {
            Some(CacheDir::At(folder)) => Some(Cache::at(folder)),
            Some(CacheDir::Off) | None => None,
        };
        Compiler { limits, program: self.program.clone(), cache }
    }
}
