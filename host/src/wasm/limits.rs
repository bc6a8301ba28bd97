//! What one run of the rules may use. Every limit has a flag, a unit, a default and a reason; the flags are in `config/rules.rs`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What one run may use, and how many there may be. Each field is one flag of `boxoffice serve` and `boxoffice rules check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// CPU time of one run; what the store does for it does not count.
    #[serde(rename = "cpu_us", serialize_with = "micros", deserialize_with = "from_micros")]
    pub cpu: Duration,
    /// Time of one run in all, waiting included.
    #[serde(rename = "timeout_us", serialize_with = "micros", deserialize_with = "from_micros")]
    pub timeout: Duration,
    /// Bytes of one linear memory.
    pub memory: usize,
    /// Bytes of all runs' memories together, beyond 4 MiB for each.
    pub memory_in_all: usize,
    /// Linear memories of one run.
    pub memories: u32,
    /// Tables of one run.
    pub tables: u32,
    /// Elements of one table.
    pub table_elements: usize,
    /// Bytes of the guest's stack. Deeper recursion is a trap.
    pub stack: usize,
    /// Calls of the contract's host functions. Calls of WASI are within `cpu`.
    pub host_calls: u32,
    /// Bytes that one host call may hand to the host, and an answer have in all.
    pub host_call_bytes: usize,
    /// Bytes of all host calls together, both ways.
    pub host_bytes: usize,
    /// Lines that reach the log; the rest is counted.
    pub log_lines: u32,
    /// Bytes of those lines together.
    pub log_bytes: usize,
    /// Bytes of stdout and stderr together that are kept for the log; the rest is swallowed.
    pub output_bytes: usize,
    /// Bytes of an answer's body.
    pub answer_bytes: usize,
    /// Headers of an answer.
    pub answer_headers: usize,
    /// Bytes of one header's value.
    pub answer_header_bytes: usize,
    /// Runs at the same time.
    pub instances: u32,
    /// Runs that one instance serves. 1: a fresh one for each.
    pub reuse: u32,
}

fn micros<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

fn from_micros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_micros)
}

impl Limits {
    /// Whether these are limits that a host can have; for those that come from a file. The flags' own bounds, in `config/rules.rs`, are
    /// these or narrower.
    ///
    /// # Errors
    /// The first that is not, in words.
    pub fn check(&self) -> Result<(), String> {
        const MIB: usize = 1024 * 1024;
        let bounds = [
            ("cpu_us", micros_of(self.cpu), 1_000, 60_000_000),
            ("timeout_us", micros_of(self.timeout), 1_000, 60_000_000),
            ("memory", self.memory, MIB, 1024 * MIB),
            ("memory_in_all", self.memory_in_all, 0, 1024 * 1024 * MIB),
            ("memories", self.memories as usize, 1, 16),
            ("tables", self.tables as usize, 1, 64),
            ("table_elements", self.table_elements, 1, 1_000_000),
            ("stack", self.stack, MIB / 16, 8 * MIB),
            ("host_calls", self.host_calls as usize, 1, 1_000_000),
            ("host_call_bytes", self.host_call_bytes, MIB / 16, 64 * MIB),
            ("host_bytes", self.host_bytes, MIB / 16, 256 * MIB),
            ("log_lines", self.log_lines as usize, 0, 10_000),
            ("log_bytes", self.log_bytes, 0, 16 * MIB),
            ("output_bytes", self.output_bytes, 0, MIB),
            ("answer_bytes", self.answer_bytes, 1024, 32 * MIB),
            ("answer_headers", self.answer_headers, 1, 64),
            ("answer_header_bytes", self.answer_header_bytes, 64, 8192),
            ("instances", self.instances as usize, 1, 1000),
            ("reuse", self.reuse as usize, 1, 1_000_000),
        ];
        match bounds.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((name, value, least, most)) => {
                Err(format!("the limit {name} is {value}, and must be {least} to {most}"))
            }
            None => Ok(()),
        }
    }

    /// Resources (streams, timers, a component's own) that a run may hold at the same time; the host has some 100 bytes for each, which
    /// no limit of the guest's memory counts. An honest guest holds a handful. wasmtime's own limits are 1,000,000 and 100,000: with
    /// those, eight runs held 120 MiB.
    pub(super) const RESOURCES: usize = 4096;
    /// Core instances of one component: one of `wasm32-wasip2` has 3, JavaScript's 5, and Python's 38, one for each shared library and the
    /// glue between them. No setting: it only counts, an instance that is not made takes no room in the pool.
    pub(super) const CORE_INSTANCES: u32 = 64;
}

fn micros_of(span: Duration) -> usize {
    usize::try_from(span.as_micros()).unwrap_or(usize::MAX)
}
