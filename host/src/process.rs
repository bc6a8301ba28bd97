//! What the process asks of the operating system.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::config::Serve;

/// Descriptors that are not connections: the database and its log for each reader, listeners, standard streams, and some to spare.
const OTHER_DESCRIPTORS: u64 = 128;

/// Raises the soft limit of open files as far as the connections need it and the hard limit allows. Where that is too little, there are
/// fewer connections, so that those that are accepted can be served: the database and the operator's surface have descriptors left.
pub fn fit_connections(settings: &mut Serve) {
    let wanted = u64::from(settings.max_connections) + OTHER_DESCRIPTORS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // No limit at all is enough.
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let reachable = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(reachable), maximum });
    let limit = if raised.is_ok() { reachable } else { current.unwrap_or(0) };
    if limit < wanted {
        let fitting = u32::try_from(limit.saturating_sub(OTHER_DESCRIPTORS)).unwrap_or(u32::MAX).max(1);
        tracing::warn!(
            limit,
            max_connections = fitting,
            "the limit of open files (ulimit -n) is too low for --max-connections {}",
            settings.max_connections
        );
        settings.max_connections = fitting;
    }
}

/// What the process uses now. What the system does not say is absent.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// CPU time so far, user and system.
    pub cpu: Duration,
    /// Bytes of memory that are resident.
    pub resident_bytes: Option<u64>,
    /// File descriptors that are open.
    pub open_files: Option<u64>,
    /// Most file descriptors that may be open; `None`: any number.
    pub max_files: Option<u64>,
}

impl Usage {
    /// Asks the system: some 50 us, most of it for counting descriptors.
    #[must_use]
    pub fn now() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let part = |number: i64| u64::try_from(number).unwrap_or(0);
        let cpu = Duration::from_secs(part(cpu.tv_sec)) + Duration::from_nanos(part(cpu.tv_nsec));
        let max_files = getrlimit(Resource::Nofile).current;
        Self { cpu, resident_bytes: resident_bytes(), open_files: open_files(), max_files }
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn open_files() -> Option<u64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // Less the one that counting takes.
    u64::try_from(open).ok()?.checked_sub(1)
}
