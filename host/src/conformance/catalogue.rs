//! All checks, as data.

use super::case::Check;
use super::{bookings, every, standard};
use crate::config::Contract;

/// The checks of a contract, in the order in which they run: what holds for every module comes last, since some of it looks at all
/// that was said before.
pub(super) fn checks(contract: Contract) -> Vec<&'static Check> {
    let own: Vec<&'static Check> = match contract {
        Contract::None => Vec::new(),
        Contract::Standard => standard::checks(),
        Contract::Bookings => bookings::CHECKS.iter().collect(),
    };
    own.into_iter().chain(every::CHECKS).collect()
}
