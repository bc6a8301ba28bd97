//! Who is served by which version, at one moment. Never changes: a switch is another one in its place.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Version;
use super::share::Share;
use super::window::{CanaryPolicy, CanaryWatch, Counts, Ending, Reason};
use crate::domain::Principal;
use crate::limiter::network;
use crate::shadow::Shadow;
use crate::wasm::Module;

/// The versions that serve, and those that could at once.
pub struct Serving {
    /// Serves everybody who is not the canary's.
    pub active: Arc<Module>,
    /// Serves a share of the callers.
    pub canary: Option<Arc<Canary>>,
    /// Runs beside the active one.
    pub shadow: Option<Arc<Shadow>>,
    /// All that are compiled, these two included: for testers.
    pub compiled: Vec<(Version, Arc<Module>)>,
}

/// A canary, and what is seen of it.
pub struct Canary {
    /// As the deployment names it.
    pub version: Version,
    /// What serves.
    pub module: Arc<Module>,
    /// Its part of the callers.
    pub share: Share,
    watch: Mutex<CanaryWatch>,
}

impl Canary {
    pub(super) fn new(version: Version, module: Arc<Module>, share: Share, policy: CanaryPolicy) -> Self {
        Self { version, module, share, watch: Mutex::new(CanaryWatch::new(policy)) }
    }

    /// Requests that the canary and the active module have answered in the window.
    #[must_use]
    pub fn requests(&self) -> (u32, u32) {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).requests()
    }

    /// What the canary and the active module did in the window that ends now.
    pub(super) fn counts(&self, now: Duration) -> (Counts, Counts) {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).counts(now)
    }

    pub(super) fn ended(&self, by_canary: bool, ending: Ending, took: Duration, now: Duration) -> Option<Reason> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).ended(by_canary, ending, took, now)
    }
}

/// Who asks, as far as it decides which version answers: the same caller is served by the same version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(Vec<u8>);

impl Caller {
    /// The principal where one is known, else the address (of IPv6, the /64, as for the limiter).
    #[must_use]
    pub fn of(principal: &Principal, address: IpAddr) -> Self {
        let key = match principal.owner_key() {
            "" => format!("address {}", network(address)),
            owner => format!("principal {owner}"),
        };
        Self(key.into_bytes())
    }
}

impl Serving {
    /// The canary, if it serves this caller.
    pub(super) fn canary_for(&self, caller: &Caller) -> Option<&Arc<Canary>> {
        self.canary.as_ref().filter(|canary| canary.share.has(canary.module.digest, &caller.0))
    }

    /// The compiled module whose digest begins with this text, if it is one; or that of the canary or the active one, by role.
    pub(super) fn named(&self, asked: &str) -> Option<Arc<Module>> {
        match asked {
            "active" => return Some(Arc::clone(&self.active)),
            "canary" => return self.canary.as_ref().map(|canary| Arc::clone(&canary.module)),
            _ => {}
        }
        let fits = |(version, module): &&(Version, Arc<Module>)| {
            String::from(*version) == asked || !asked.is_empty() && module.digest.to_string().starts_with(asked)
        };
        let mut found = self.compiled.iter().filter(fits);
        let (first, second) = (found.next(), found.next());
        first.filter(|_| second.is_none()).map(|(_, module)| Arc::clone(module))
    }
}
