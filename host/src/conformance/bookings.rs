//! The contract of bookings.

use super::case::Check;

pub(super) const CHECKS: &[Check] = &[];
