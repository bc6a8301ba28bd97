//! What only changes look at: the deployment, and what is compiled.

use std::collections::HashMap;
use std::sync::Arc;

use super::deployment::{Deployment, Version};
use super::folder::Folder;
use super::serving::{Canary, Serving};
use super::window::CanaryPolicy;
use crate::domain::Millis;
use crate::metrics::Outcomes;
use crate::shadow::Shadow;
use crate::store::sqlite::ReadOnly;
use crate::wasm::{Artifact, LoadError, LoadRefusal, Loader, Module};

/// Versions that are compiled.
pub(super) type Compiled = HashMap<Version, Arc<Module>>;

/// The state of the registry, of which [`Serving`] is the part that requests see.
pub(super) struct Book {
    pub(super) deployment: Deployment,
    pub(super) compiled: Compiled,
    /// Serves instead of the deployment's active one.
    pub(super) pinned: Option<Arc<Module>>,
    pub(super) canary: Option<Arc<Canary>>,
    pub(super) shadow: Option<Following>,
}

/// A shadow that is wanted.
pub(super) struct Following {
    pub(super) version: Version,
    /// The active version that it is compared with: what is found beside one says nothing of another.
    pub(super) active: Version,
    /// `None`: it could not be started.
    pub(super) shadow: Option<Arc<Shadow>>,
}

/// What a shadow runs on.
pub(super) struct Ground {
    /// Where it reads.
    pub(super) store: Arc<ReadOnly>,
    /// The host's limit of a body, in bytes.
    pub(super) max_body: usize,
    /// What comes of its requests.
    pub(super) outcomes: Outcomes,
}

impl Book {
    /// A version that this deployment needs at once, and that is not compiled.
    pub(super) fn missing(&self, next: &Deployment) -> Option<Version> {
        let canary = next.canary.map(|canary| canary.version);
        let mut needed = [Some(next.active), canary, next.shadow].into_iter().flatten();
        needed.find(|version| self.pinned.is_none() && !self.compiled.contains_key(version))
    }

    /// The canary as the deployment has it: the same one goes on as it was, with what was seen of it.
    pub(super) fn follow(&mut self, policy: CanaryPolicy) {
        self.cool_down();
        let wanted = self.deployment.canary.filter(|_| self.pinned.is_none());
        let same = |canary: &Arc<Canary>| {
            wanted.is_some_and(|wanted| wanted.version == canary.version && wanted.percent == canary.share)
        };
        if self.canary.as_ref().is_some_and(same) {
            return;
        }
        self.canary = wanted.and_then(|wanted| {
            let module = self.compiled.get(&wanted.version)?;
            Some(Arc::new(Canary::new(wanted.version, Arc::clone(module), wanted.percent, policy)))
        });
    }

    /// The shadow as the deployment has it: the same one goes on, with what it has found, as long as the same module is active.
    pub(super) fn follow_shadow(&mut self, ground: Option<&Ground>, now: Millis) {
        let active = self.deployment.active;
        let wanted = self.deployment.shadow.filter(|_| self.pinned.is_none());
        let same = |following: &Following| {
            following.active == active && Some(following.version) == wanted && following.shadow.is_some()
        };
        if self.shadow.as_ref().map_or(wanted.is_none(), same) {
            return;
        }
        self.shadow = None;
        let module = wanted.and_then(|version| Some((version, Arc::clone(self.compiled.get(&version)?))));
        let (Some((version, module)), Some(ground)) = (module, ground) else { return };
        let started = Shadow::start(module, Arc::clone(&ground.store), ground.max_body, now, ground.outcomes.clone());
        let shadow = match started {
            Ok(shadow) => Some(Arc::new(shadow)),
            Err(error) => {
                tracing::error!(module = String::from(version), "the shadow cannot be started: {error}");
                None
            }
        };
        self.shadow = Some(Following { version, active, shadow });
    }

    /// Lets go of compiled versions that need not be ready.
    pub(super) fn cool_down(&mut self) {
        let warm = self.deployment.warm();
        self.compiled.retain(|version, _| warm.contains(version) || *version == Version::Standard);
    }

    /// What this serves; `None` if it is not loaded, which does not happen.
    pub(super) fn serving(&self) -> Option<Serving> {
        let active = self.pinned.as_ref().or_else(|| self.compiled.get(&self.deployment.active))?;
        let mut compiled: Vec<_> =
            self.compiled.iter().map(|(version, module)| (*version, Arc::clone(module))).collect();
        compiled.sort_by_key(|(version, _)| String::from(*version));
        let shadow = self.shadow.as_ref().and_then(|following| following.shadow.clone());
        Some(Serving { active: Arc::clone(active), canary: self.canary.clone(), shadow, compiled })
    }
}

/// Loads versions from where they are kept.
pub(super) struct Source<'a> {
    pub(super) loader: &'a Loader,
    pub(super) folder: &'a Arc<Folder>,
    pub(super) standard: &'static [u8],
}

impl Source<'_> {
    /// Loads a version, from its kept bytes.
    pub(super) async fn load(&self, version: Version) -> Result<Arc<Module>, LoadError> {
        let unavailable = |why: String| LoadError::new(LoadRefusal::Unavailable, why);
        let artifact = match version {
            Version::Standard => Artifact::built_in(self.standard.to_vec()),
            Version::Module(digest) => {
                let folder = Arc::clone(self.folder);
                let read = tokio::task::spawn_blocking(move || folder.module(digest)).await;
                read.map_err(|panic| unavailable(panic.to_string()))?.map_err(unavailable)?
            }
        };
        self.loader.load(artifact).await.map(Arc::new)
    }
}
