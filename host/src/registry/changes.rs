//! What changes the registry: one thing after the other, first on disk and then in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde::Serialize;
use tokio::sync::{MutexGuard, Notify, Semaphore};

use super::Registry;
use super::deployment::{CanaryRecord, Deployment, Kept, Mode, Step, Version};
use super::folder::Folder;
use super::refusal::Refusal;
use super::serving::{Canary, Serving};
use super::window::CanaryPolicy;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::wasm::{Artifact, Digest, LoadError, LoadRefusal, Loader, Module};

/// What only changes look at.
pub(super) struct Book {
    deployment: Deployment,
    /// Compiled versions.
    compiled: HashMap<Version, Arc<Module>>,
    /// Serves instead of the deployment's active one.
    pinned: Option<Arc<Module>>,
    canary: Option<Arc<Canary>>,
}

/// What a registry is made of.
pub struct RegistrySetup {
    /// Loads modules into the one engine.
    pub loader: Loader,
    /// The built-in rules, loaded if somebody has done it already, and as bytes.
    pub standard: (Option<Arc<Module>>, &'static [u8]),
    /// The module of `--rules FILE`, where it pins one.
    pub pinned: Option<(PathBuf, Arc<Module>)>,
    /// Where modules are kept.
    pub folder: PathBuf,
    /// When a canary is rolled back.
    pub policy: CanaryPolicy,
    /// What is counted, by module.
    pub(crate) metrics: Arc<Metrics>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// What an upload came to.
#[derive(Debug, Clone, Serialize)]
pub struct Uploaded {
    /// As it is kept.
    #[serde(flatten)]
    pub module: Kept,
    /// Whether it was there before.
    pub known: bool,
}

/// One version, for an operator.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// `standard`, or its digest.
    pub version: Version,
    /// Its digest, where it is known: of the built-in rules once they are compiled.
    pub digest: Option<Digest>,
    /// `active`, `canary`, `shadow`, `retired` (it was active before) or `checked`.
    pub state: &'static str,
    /// Whether it can serve at once.
    pub compiled: bool,
    /// As it is kept; of the built-in rules, nothing is.
    pub module: Option<Kept>,
}

/// Everything that an operator may want to know.
#[derive(Debug, Clone, Serialize)]
pub struct Listing {
    /// The file that the rules are pinned to.
    pub pinned: Option<PathBuf>,
    /// The digest of what serves everybody.
    pub active: Digest,
    /// The canary and its share.
    pub canary: Option<CanaryRecord>,
    /// All versions.
    pub modules: Vec<Listed>,
    /// What happened, the last step first.
    pub history: Vec<Step>,
}

impl Registry {
    /// Reads what was kept, loads what serves, and nothing else.
    ///
    /// # Errors
    /// The active module cannot be loaded, or the deployment cannot be read. (A canary or shadow that cannot be loaded is taken off.)
    pub async fn start(setup: RegistrySetup) -> Result<Arc<Self>, LoadError> {
        let RegistrySetup { loader, standard, pinned, folder, policy, metrics, clock } = setup;
        let folder = Folder::at(&folder);
        let unavailable = |why: String| LoadError::new(LoadRefusal::Unavailable, why);
        let mut deployment = folder.deployment().map_err(unavailable)?;
        let mut compiled = HashMap::new();
        compiled.extend(standard.0.map(|module| (Version::Standard, module)));
        let (pinned_path, pinned) = pinned.unzip();
        let load = Load { loader: &loader, folder: &folder, standard: standard.1 };
        if pinned.is_none() {
            load.compile(&mut compiled, deployment.active).await?;
            let others = deployment.canary.map(|canary| canary.version).into_iter().chain(deployment.shadow);
            for version in others.collect::<Vec<_>>() {
                if let Err(error) = load.compile(&mut compiled, version).await {
                    let named = String::from(version);
                    tracing::error!(module = named, "a canary or shadow is taken off, it cannot be loaded: {error}");
                    deployment = deployment.not_loaded(version, error.to_string(), clock.now());
                }
            }
        }
        let mut book = Book { deployment, compiled, pinned, canary: None };
        book.follow(policy);
        let serving = book.serving().ok_or_else(|| unavailable("the active module is not loaded".into()))?;
        let serving = Arc::new(serving);
        let registry = Arc::new(Self {
            serving: RwLock::new(Arc::clone(&serving)),
            book: tokio::sync::Mutex::new(book),
            uploading: Semaphore::new(1),
            fallen: Mutex::default(),
            has_fallen: Notify::new(),
            loader,
            folder,
            standard: standard.1,
            pinned: pinned_path,
            policy,
            metrics,
            clock,
        });
        registry.announce(&serving.active, serving.canary.as_deref());
        Ok(registry)
    }

    /// Compiles what should be ready to serve, and keeps what the host has done by itself, until it is dropped.
    pub async fn run(self: Arc<Self>) {
        self.warm_up().await;
        loop {
            self.has_fallen.notified().await;
            let mut book = self.book.lock().await;
            if let Err(refusal) = self.settle(&mut book).await {
                tracing::error!("that the canary was rolled back is not on disk: {refusal}");
            }
        }
    }

    /// Everything that an operator may want to know.
    pub async fn list(&self) -> Listing {
        let book = self.book.lock().await;
        let Deployment { before, canary, modules, history, .. } = &book.deployment;
        let kept = modules.iter().map(|kept| (Version::Module(kept.digest), Some(kept.clone())));
        let listed = std::iter::once((Version::Standard, None)).chain(kept).map(|(version, module)| Listed {
            version,
            digest: match version {
                Version::Module(digest) => Some(digest),
                Version::Standard => book.compiled.get(&version).map(|module| module.digest),
            },
            state: match book.deployment.role(version).filter(|_| book.pinned.is_none()) {
                Some(role) => role,
                None if before.contains(&version) => "retired",
                None => "checked",
            },
            compiled: book.compiled.contains_key(&version),
            module,
        });
        Listing {
            pinned: self.pinned.clone(),
            active: self.serving().active.digest,
            canary: *canary,
            modules: listed.collect(),
            history: history.clone(),
        }
    }

    /// Whether an upload can begin: the one who holds this is the only one.
    ///
    /// # Errors
    /// Another one is under way.
    pub fn begin_upload(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Refusal> {
        self.uploading.try_acquire().map_err(|_| Refusal::UploadInProgress)
    }

    /// Checks a module as `serve` would, and keeps it. It serves nobody yet.
    ///
    /// # Errors
    /// Why this host would not serve it, or why it cannot be kept. Then nothing is.
    pub async fn upload(&self, artifact: impl Into<Artifact>) -> Result<Uploaded, Refusal> {
        let artifact = artifact.into();
        let module = Arc::new(self.loader.load(artifact.clone()).await.map_err(Refusal::Module)?);
        let mut book = self.book.lock().await;
        self.settle(&mut book).await?;
        let (digest, now, version) = (module.digest, self.clock.now(), Version::Module(module.digest));
        let known = book.deployment.modules.iter().any(|kept| kept.digest == digest);
        let kept = Kept {
            digest,
            name: module.manifest.name.clone(),
            version: module.manifest.version.clone(),
            summary: module.manifest.summary.clone(),
            bytes: module.loaded.bytes,
            uploaded_at_ms: now,
            used_at_ms: now,
            signed_by: module.loaded.signed_by.clone(),
        };
        self.on_disk(move |folder| folder.keep_module(digest, &artifact.bytes, artifact.signature())).await?;
        let next = book.deployment.clone().uploaded(kept.clone());
        book.compiled.insert(version, module);
        self.change(&mut book, next).await?;
        Ok(Uploaded { module: kept, known })
    }

    /// Does what an operator wants of the module that this text names.
    ///
    /// # Errors
    /// See [`Refusal`]; then nothing has changed.
    pub async fn activate(&self, asked: &str, mode: Mode) -> Result<Version, Refusal> {
        self.refuse_if_pinned()?;
        self.prepare(asked).await?;
        let mut book = self.book.lock().await;
        self.settle(&mut book).await?;
        let version = book.deployment.resolve(asked)?;
        let next = book.deployment.clone().activated(version, mode, self.clock.now())?;
        self.load().compile(&mut book.compiled, version).await.map_err(Refusal::Module)?;
        self.change(&mut book, next).await?;
        Ok(version)
    }

    /// Undoes the last step: a canary ends, otherwise the version before serves again. Gives what is active then.
    ///
    /// # Errors
    /// See [`Refusal`]; then nothing has changed.
    pub async fn roll_back(&self) -> Result<Version, Refusal> {
        self.refuse_if_pinned()?;
        let mut book = self.book.lock().await;
        self.settle(&mut book).await?;
        let next = book.deployment.clone().rolled_back(self.clock.now())?;
        let active = next.active;
        self.load().compile(&mut book.compiled, active).await.map_err(Refusal::Module)?;
        self.change(&mut book, next).await?;
        Ok(active)
    }

    /// Deletes the module that this text names, unless it is in use.
    ///
    /// # Errors
    /// See [`Refusal`]; then nothing has changed.
    pub async fn delete(&self, asked: &str) -> Result<Version, Refusal> {
        let mut book = self.book.lock().await;
        self.settle(&mut book).await?;
        let version = book.deployment.resolve(asked)?;
        let next = book.deployment.clone().deleted(version, self.clock.now())?;
        self.change(&mut book, next).await?;
        Ok(version)
    }

    /// Serves another module in place of the pinned one: its file has changed.
    pub async fn swap_pinned(&self, module: Arc<Module>) {
        let mut book = self.book.lock().await;
        book.pinned = Some(module);
        self.show(&book);
    }

    /// Loads what the pinned file has now, and serves it in place of the module before.
    ///
    /// # Errors
    /// Why this host would not serve it; then the module before goes on serving.
    pub async fn reload_pinned(&self, artifact: Artifact) -> Result<Arc<Module>, LoadError> {
        let module = Arc::new(self.loader.load(artifact).await?);
        self.swap_pinned(Arc::clone(&module)).await;
        Ok(module)
    }

    fn refuse_if_pinned(&self) -> Result<(), Refusal> {
        self.pinned.as_ref().map_or(Ok(()), |path| Err(Refusal::Pinned(path.clone())))
    }

    /// Compiles a version that is not ready, while others look at the registry and change it.
    async fn prepare(&self, asked: &str) -> Result<(), Refusal> {
        let version = {
            let book = self.book.lock().await;
            let version = book.deployment.resolve(asked)?;
            if book.compiled.contains_key(&version) {
                return Ok(());
            }
            version
        };
        let module = self.load().version(version).await.map_err(Refusal::Module)?;
        self.book.lock().await.compiled.insert(version, Arc::new(module));
        Ok(())
    }

    /// Keeps that a canary was taken off, if one was, before anything else is changed.
    async fn settle(&self, book: &mut MutexGuard<'_, Book>) -> Result<(), Refusal> {
        let fallen = *self.fallen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((version, reason)) = fallen else { return Ok(()) };
        let next = book.deployment.clone().canary_rolled_back(version, reason, self.clock.now());
        self.change(book, next).await?;
        self.fallen.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }

    /// Puts another deployment in the place of the one before: first on disk, then in memory.
    async fn change(&self, book: &mut MutexGuard<'_, Book>, next: Deployment) -> Result<(), Refusal> {
        let gone = book.deployment.modules.iter().map(|kept| kept.digest);
        let gone: Vec<_> = gone.filter(|digest| next.modules.iter().all(|kept| kept.digest != *digest)).collect();
        let kept = next.clone();
        self.on_disk(move |folder| folder.keep_deployment(&kept)).await?;
        book.deployment = next;
        book.follow(self.policy);
        self.show(book);
        for digest in &gone {
            self.metrics.forget(&digest.short());
        }
        // Afterwards: what is no longer named is in nobody's way.
        self.on_disk(move |folder| {
            for digest in gone {
                folder.remove_module(digest);
            }
            Ok(())
        })
        .await
    }

    /// From the next request on, this serves.
    fn show(&self, book: &Book) {
        if let Some(serving) = book.serving() {
            self.announce(&serving.active, serving.canary.as_deref());
            *self.serving.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(serving);
        }
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let folder = self.folder.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.map_err(|panic| Refusal::NotKept(panic.to_string()))?.map_err(|error| Refusal::NotKept(error.to_string()))
    }

    fn load(&self) -> Load<'_> {
        Load { loader: &self.loader, folder: &self.folder, standard: self.standard }
    }

    /// Compiles the versions that should be ready.
    async fn warm_up(&self) {
        let warm = self.book.lock().await.deployment.warm();
        for version in warm {
            if self.book.lock().await.compiled.contains_key(&version) {
                continue;
            }
            match self.load().version(version).await {
                Ok(module) => {
                    let mut book = self.book.lock().await;
                    book.compiled.insert(version, Arc::new(module));
                    book.cool_down();
                    self.show(&book);
                }
                Err(error) => {
                    tracing::warn!(module = String::from(version), "a version before cannot be loaded: {error}");
                }
            }
        }
    }
}

/// Loads versions from where they are kept.
struct Load<'a> {
    loader: &'a Loader,
    folder: &'a Folder,
    standard: &'static [u8],
}

impl Load<'_> {
    /// Compiles it, unless it is.
    async fn compile(&self, compiled: &mut HashMap<Version, Arc<Module>>, version: Version) -> Result<(), LoadError> {
        if let Entry::Vacant(place) = compiled.entry(version) {
            place.insert(Arc::new(self.version(version).await?));
        }
        Ok(())
    }

    async fn version(&self, version: Version) -> Result<Module, LoadError> {
        let unavailable = |why: String| LoadError::new(LoadRefusal::Unavailable, why);
        let Version::Module(digest) = version else {
            return self.loader.load(Artifact::built_in(self.standard.to_vec())).await;
        };
        let folder = self.folder.clone();
        let read = tokio::task::spawn_blocking(move || folder.module(digest)).await;
        let read = read.map_err(|panic| unavailable(panic.to_string()))?;
        let (bytes, signature) =
            read.map_err(|error| unavailable(format!("the module {digest} is not there: {error}")))?;
        let module = self.loader.load(Artifact::with_signature(bytes, signature)).await?;
        if module.digest != digest {
            return Err(unavailable(format!("the file of module {digest} has other bytes than were uploaded")));
        }
        Ok(module)
    }
}

impl Book {
    /// The canary as the deployment has it: the same one goes on as it was, with what was seen of it.
    fn follow(&mut self, policy: CanaryPolicy) {
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

    /// Lets go of compiled versions that need not be ready.
    fn cool_down(&mut self) {
        let warm = self.deployment.warm();
        self.compiled.retain(|version, _| warm.contains(version) || *version == Version::Standard);
    }

    /// What this serves; `None` if it is not loaded, which does not happen.
    fn serving(&self) -> Option<Serving> {
        let active = self.pinned.as_ref().or_else(|| self.compiled.get(&self.deployment.active))?;
        let mut compiled: Vec<_> =
            self.compiled.iter().map(|(version, module)| (*version, Arc::clone(module))).collect();
        compiled.sort_by_key(|(version, _)| String::from(*version));
        Some(Serving { active: Arc::clone(active), canary: self.canary.clone(), compiled })
    }
}
