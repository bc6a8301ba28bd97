//! What one run of the rules may use. Every limit has a flag, a unit, a default and a reason; the flags are in `config/rules.rs`.

use std::time::Duration;

/// What one run may use, and how many there may be. Each field is one flag of `boxoffice serve` and `boxoffice rules check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// CPU time of one run; what the store does for it does not count.
    pub cpu: Duration,
    /// Time of one run in all, waiting included.
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

impl Limits {
    /// Resources (streams, timers, a component's own) that a run may hold at the same time; the host has some 100 bytes for each, which
    /// no limit of the guest's memory counts. An honest guest holds a handful. wasmtime's own limits are 1,000,000 and 100,000: with
    /// those, eight runs held 120 MiB.
    pub(super) const RESOURCES: usize = 4096;
    /// Core instances of one component: one of `wasm32-wasip2` has 3; JavaScript's and Python's have more. No setting: it only sizes the pool.
    pub(super) const CORE_INSTANCES: u32 = 32;
}
