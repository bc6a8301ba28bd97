//! What the process asks of the operating system.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Serve;

/// Descriptors that are not connections: the database and its log for each reader, listeners, standard streams, and some to spare.
const OTHER_DESCRIPTORS: u64 = 128;

/// Raises the soft limit of open files as far as the connections need it and the hard limit allows; warns if that is too little.
pub fn allow_connections(settings: &Serve) {
    let wanted = u64::from(settings.max_connections) + OTHER_DESCRIPTORS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // No limit at all is enough.
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let reachable = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(reachable), maximum });
    let in_force = if raised.is_ok() { reachable } else { current.unwrap_or(0) };
    if in_force < wanted {
        tracing::warn!(
            limit = in_force,
            wanted,
            "the limit of open files is below --max-connections; beyond it connections wait to be accepted (ulimit -n)"
        );
    }
}
