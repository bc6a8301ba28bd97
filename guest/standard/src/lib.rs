//! The standard rules of boxoffice: the REST contract, which is what the SDK does unless it is told otherwise.

use boxoffice_sdk::prelude::*;

/// The standard rules.
#[derive(Default)]
pub struct Standard;

impl Rules for Standard {
    fn about() -> About {
        About {
            name: "standard",
            version: env!("CARGO_PKG_VERSION"),
            summary: "The standard rules: events, registrations, tickets",
        }
    }
}

boxoffice_sdk::export!(Standard);
