//! The REST contract of the standard rules, line by line.

use super::case::Check;

pub(super) fn checks() -> Vec<&'static Check> {
    Vec::new()
}
