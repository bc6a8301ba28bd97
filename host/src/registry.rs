//! Which versions of the rules there are, and which of them serves whom.
//!
//! A version is chosen once for each request, after the caller is known ([`Registry::choose`]); a switch puts another [`Serving`] in the
//! place of the one before, so that requests in flight finish on the version that they began with. What is acknowledged to an operator
//! is on disk before; what the host does by itself (taking a failing canary off) happens at once, and is kept afterwards.
//!
//! Knows no HTTP, no SQL and no wasmtime.

mod book;
mod changes;
mod deployment;
mod folder;
mod listing;
mod refusal;
mod serving;
mod share;
mod starting;
mod window;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::domain::Principal;
use crate::metrics::{Metrics, Role};
use crate::shadow::Shadow;
use crate::wasm::{Loader, Module};
use book::{Book, Ground};
use folder::Folder;

pub use changes::{RolledBack, Uploaded};
pub use deployment::{Back, CanaryRecord, Deployment, Event, Kept, Mode, Step, Version};
pub use listing::{Listed, ListedCanary, ListedShadow, ListedStep, Listing};
pub use refusal::Refusal;
pub use serving::{Caller, Canary, Serving};
pub use share::Share;
pub use starting::RegistrySetup;
pub use window::{CanaryPolicy, CanaryWatch, Counts, Ending, Reason};

/// All versions, and who is served by which.
pub struct Registry {
    serving: RwLock<Arc<Serving>>,
    /// One change at a time.
    book: tokio::sync::Mutex<Book>,
    uploading: tokio::sync::Semaphore,
    /// One module at a time, whoever wants it: those who are served need the machine. Never closed.
    compiling: tokio::sync::Semaphore,
    /// A canary that the host has taken off, until that is kept. Whoever changes `serving` holds it, so that it never serves again.
    fallen: Mutex<Option<(Arc<Canary>, Reason)>>,
    has_fallen: Notify,
    /// Whether canaries are judged: not while the host stops, when requests are cut off.
    judging: AtomicBool,
    loader: Loader,
    folder: Arc<Folder>,
    /// The deployment as the start has read it.
    found: Option<Deployment>,
    standard: &'static [u8],
    /// What shadows run on, once the host has it.
    ground: OnceLock<Ground>,
    pinned: Option<PathBuf>,
    policy: CanaryPolicy,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
}

/// The version that serves one request, from its routing to its answer.
pub struct Chosen {
    /// What serves it.
    pub module: Arc<Module>,
    /// What runs beside it: of the active module only, and never of a tester's request.
    pub(crate) shadow: Option<Arc<Shadow>>,
    registry: Arc<Registry>,
    /// Whether the canary does, or the active module; `None`: nobody compares, or a tester has chosen.
    compared: Option<(Arc<Canary>, bool)>,
    /// Whether a tester has chosen it.
    by_tester: bool,
}

impl Registry {
    /// What serves now.
    #[must_use]
    pub fn serving(&self) -> Arc<Serving> {
        Arc::clone(&self.serving.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The version for this caller.
    #[must_use]
    pub fn choose(self: &Arc<Self>, principal: &Principal, address: IpAddr) -> Chosen {
        let serving = self.serving();
        let shadow = serving.shadow.clone();
        let Some(canary) = serving.canary.as_ref() else { return self.chosen(&serving.active, shadow, None) };
        let compared = |by_canary| Some((Arc::clone(canary), by_canary));
        if serving.canary_for(&Caller::of(principal, address)).is_some() {
            return self.chosen(&canary.module, None, compared(true));
        }
        self.chosen(&serving.active, shadow, compared(false))
    }

    /// The compiled version that a tester names: by the beginning of its digest, or `active`, `canary` or `standard`.
    #[must_use]
    pub fn chosen_by_tester(self: &Arc<Self>, asked: &str) -> Option<Chosen> {
        let module = self.serving().named(asked)?;
        Some(Chosen { by_tester: true, ..self.chosen(&module, None, None) })
    }

    fn chosen(
        self: &Arc<Self>,
        module: &Arc<Module>,
        shadow: Option<Arc<Shadow>>,
        compared: Option<(Arc<Canary>, bool)>,
    ) -> Chosen {
        Chosen { module: Arc::clone(module), shadow, registry: Arc::clone(self), compared, by_tester: false }
    }

    /// Judges no canary from now on: requests will be cut off, which is nobody's fault.
    pub(crate) fn stop_judging(&self) {
        self.judging.store(false, Ordering::Relaxed);
    }

    /// Counts by these modules from now on.
    fn announce(&self, serving: &Serving) {
        let mut roles = vec![(serving.active.as_ref(), Role::Active)];
        roles.extend(serving.canary.as_ref().map(|canary| (canary.module.as_ref(), Role::Canary)));
        roles.extend(serving.shadow.as_ref().map(|shadow| (shadow.module().as_ref(), Role::Shadow)));
        self.metrics.in_use(&roles);
    }

    /// Takes a failing canary off, at once: the next request is the active module's.
    fn take_off(&self, canary: &Arc<Canary>, reason: Reason) {
        let mut fallen = self.fallen.lock().unwrap_or_else(PoisonError::into_inner);
        let serving = self.serving();
        // Another request may have done it, or an operator has chosen another.
        if !serving.canary.as_ref().is_some_and(|present| Arc::ptr_eq(present, canary)) {
            return;
        }
        let (active, shadow) = (Arc::clone(&serving.active), serving.shadow.clone());
        self.switch(Serving { active, canary: None, shadow, compiled: serving.compiled.clone() });
        *fallen = Some((Arc::clone(canary), reason));
        drop(fallen);
        self.metrics.canary_rollbacks.inc();
        tracing::error!(module = %canary.module.digest, "the canary was rolled back: {reason}");
        self.has_fallen.notify_one();
    }

    /// From the next request on, this serves. Only with `fallen` held. Requests wait for one exchange of pointers and nothing else.
    fn switch(&self, next: Serving) {
        self.announce(&next);
        let next = Arc::new(next);
        let mut serving = self.serving.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *serving, next);
        drop(serving);
        // The last to let go of a module unmaps its code, which takes a while.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(before))),
            Err(_) => drop(before),
        }
    }
}

impl Chosen {
    /// Whether somebody wants to know what this version does with each request: a canary's statistics, a shadow, or a tester.
    /// Then it has to run.
    #[must_use]
    pub fn is_on_trial(&self) -> bool {
        self.compared.is_some() || self.shadow.is_some() || self.by_tester
    }

    /// The rules begin to run for it: what comes of that tells of the version, and nothing before it does.
    #[must_use]
    pub fn trial(&self) -> Trial<'_> {
        let compared = self.compared.as_ref().map(|(canary, by_canary)| (canary, *by_canary));
        let since = if compared.is_some() { self.registry.clock.elapsed() } else { Duration::ZERO };
        Trial { registry: &self.registry, compared, since }
    }
}

/// A run of the rules, as far as it tells of the version. Dropped, its client has gone away.
pub struct Trial<'a> {
    registry: &'a Registry,
    compared: Option<(&'a Arc<Canary>, bool)>,
    since: Duration,
}

impl Trial<'_> {
    /// The run has ended.
    pub fn ended(mut self, ending: Ending) {
        self.tell(ending);
    }

    fn tell(&mut self, ending: Ending) {
        let Some((canary, by_canary)) = self.compared.take() else { return };
        let now = self.registry.clock.elapsed();
        let reason = canary.ended(by_canary, ending, now.saturating_sub(self.since), now);
        if let Some(reason) = reason
            && self.registry.judging.load(Ordering::Relaxed)
        {
            self.registry.take_off(canary, reason);
        }
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        self.tell(Ending::Abandoned);
    }
}
