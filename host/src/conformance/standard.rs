//! The REST contract of the standard rules, line by line: each promise is in the contract's words.

mod events;
mod general;
mod keys;
mod lists;
mod registrations;
mod shapes;
mod tickets;
mod updates;

use super::case::Check;

/// All of it, in the order of the contract.
pub(super) fn checks() -> Vec<&'static Check> {
    let topics = [
        general::CHECKS,
        events::CHECKS,
        lists::CHECKS,
        updates::CHECKS,
        registrations::CHECKS,
        keys::CHECKS,
        tickets::CHECKS,
    ];
    topics.into_iter().flatten().collect()
}

/// An id that no event and no ticket has.
const NOBODY: &str = "01930000-0000-7000-8000-000000000000";
