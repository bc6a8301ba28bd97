//! What the process asks of the operating system.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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
