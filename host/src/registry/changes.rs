//! What changes the registry: one thing after the other, first on disk and then in memory.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::SemaphorePermit;

use super::Registry;
use super::book::{Book, Compiled, Source};
use super::deployment::{Back, Deployment, Kept, Mode, Version};
use super::folder::{Folder, New};
use super::refusal::Refusal;
use crate::domain::Millis;
use crate::wasm::{Artifact, Digest, LoadError, Module};

/// How long the host waits before it tries again to keep that a canary was taken off.
const KEEP_AGAIN: Duration = Duration::from_secs(5);

/// What an upload came to.
#[derive(Debug, Clone, Serialize)]
pub struct Uploaded {
    /// Its digest.
    pub digest: Digest,
    /// What it calls itself.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// Its own words.
    pub summary: String,
    /// Bytes of the component.
    pub bytes: usize,
    /// The key that signed it, where that was asked for.
    pub signed_by: Option<String>,
    /// Whether it was there before.
    pub known: bool,
    /// Whether its native code came from the cache.
    pub cached: bool,
    /// How long all of it took, in milliseconds.
    pub load_ms: u64,
}

/// What going back came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RolledBack {
    /// What is active then.
    pub active: Version,
    /// The canary that has ended.
    pub ended_canary: Option<Version>,
}

/// How far a change has come.
enum Tried<T> {
    /// What is in force now, and what the change gives.
    Done(Box<Deployment>, T),
    /// This version is needed, and not compiled yet.
    Missing(Version),
}

impl Registry {
    /// Compiles what should be ready to serve, and keeps what the host has done by itself, until it is dropped.
    pub async fn run(self: Arc<Self>) {
        tokio::join!(self.warm_up(), self.keep_what_fell());
    }

    async fn keep_what_fell(self: &Arc<Self>) {
        loop {
            self.has_fallen.notified().await;
            // Between two tries nobody waits for the book.
            while let Err(refusal) = self.settle_now().await {
                tracing::error!("that the canary was rolled back is not on disk: {refusal}");
                tokio::time::sleep(KEEP_AGAIN).await;
            }
        }
    }

    async fn settle_now(self: &Arc<Self>) -> Result<(), Refusal> {
        let registry = Arc::clone(self);
        finished(async move {
            let mut book = registry.book.lock().await;
            registry.settle(&mut book).await
        })
        .await
    }

    /// Whether an upload can begin: the one who holds this is the only one.
    ///
    /// # Errors
    /// Another one is under way, or nothing could be kept.
    pub fn begin_upload(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        self.folder.writable().map_err(Refusal::NotKept)?;
        self.uploading.try_acquire().map_err(|_| Refusal::UploadInProgress)
    }

    /// Checks a module as `serve` would, and keeps it. It serves nobody yet. Dropped, it ends, unless it is being kept already.
    ///
    /// # Errors
    /// Why this host would not serve it, or why it cannot be kept. Then nothing is.
    pub async fn upload(self: &Arc<Self>, artifact: impl Into<Artifact>) -> Result<Uploaded, Refusal> {
        let artifact = artifact.into();
        let module = Arc::new(self.load(artifact.clone()).await.map_err(Refusal::Module)?);
        let new = New { digest: module.digest, artifact };
        let registry = Arc::clone(self);
        finished(async move {
            let mut book = registry.book.lock().await;
            registry.settle(&mut book).await?;
            let (id, now) = (Version::Module(module.digest), registry.clock.now());
            let known = book.deployment.modules.iter().any(|kept| kept.digest == module.digest);
            let next = book.deployment.clone().uploaded(kept(&module, now));
            // One that is compiled goes on as it is, with its instances.
            book.compiled.entry(id).or_insert_with(|| Arc::clone(&module));
            let put = registry.put(&mut book, next, Some(new)).await;
            book.cool_down();
            put?;
            // Also for an upload whose client has not waited.
            tracing::info!(module = %module.digest, known, "the module is kept");
            let warm: Vec<_> = book.compiled.values().chain(&book.pinned).map(|module| module.digest).collect();
            drop(book);
            // The next upload must not push the code of what serves out of the cache.
            registry.loader.touch(&warm).await;
            Ok(uploaded(&module, known))
        })
        .await
    }

    /// Does what an operator wants of the module that this text names. Compiles it first where that is to be done.
    ///
    /// # Errors
    /// See [`Refusal`]; then nothing has changed.
    pub async fn activate(self: &Arc<Self>, asked: &str, mode: Mode) -> Result<Version, Refusal> {
        self.refuse_if_pinned()?;
        let asked = asked.to_owned();
        let decide = move |deployment: &Deployment, now| {
            let version = deployment.resolve(&asked)?;
            deployment.clone().activated(version, mode, now).map(|next| (next, version))
        };
        self.change(decide).await.map(|(_, version)| version)
    }

    /// Goes back: see [`Back`].
    ///
    /// # Errors
    /// See [`Refusal`]; then nothing has changed.
    pub async fn roll_back(self: &Arc<Self>, back: Back) -> Result<RolledBack, Refusal> {
        self.refuse_if_pinned()?;
        let decide = move |deployment: &Deployment, now| {
            let ended_canary = deployment.canary.map(|canary| canary.version);
            deployment.clone().rolled_back(back, now).map(|next| (next, ended_canary))
        };
        let (next, ended_canary) = self.change(decide).await?;
        Ok(RolledBack { active: next.active, ended_canary })
    }

    /// Deletes the module that this text names, unless it is in use.
    ///
    /// # Errors
    /// See [`Refusal`]; then nothing has changed.
    pub async fn delete(self: &Arc<Self>, asked: &str) -> Result<Version, Refusal> {
        let asked = asked.to_owned();
        let decide = move |deployment: &Deployment, now| {
            let version = deployment.resolve(&asked)?;
            deployment.clone().deleted(version, now).map(|next| (next, version))
        };
        self.change(decide).await.map(|(_, version)| version)
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
        let module = Arc::new(self.load(artifact).await?);
        self.swap_pinned(Arc::clone(&module)).await;
        Ok(module)
    }

    fn refuse_if_pinned(&self) -> Result<(), Refusal> {
        self.pinned.as_ref().map_or(Ok(()), |path| Err(Refusal::Pinned(path.clone())))
    }

    /// Puts what `decide` makes of the deployment in its place. Asked again after each version that had to be compiled for it, which
    /// happens while others look at the registry and change it.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        decide: impl Fn(&Deployment, Millis) -> Result<(Deployment, T), Refusal> + Clone + Send + 'static,
    ) -> Result<(Deployment, T), Refusal> {
        let mut compiled = Compiled::new();
        loop {
            let (registry, decide, ready) = (Arc::clone(self), decide.clone(), compiled.clone());
            let tried = finished(async move {
                let mut book = registry.book.lock().await;
                registry.settle(&mut book).await?;
                let (next, gives) = decide(&book.deployment, registry.clock.now())?;
                for (version, module) in ready {
                    book.compiled.entry(version).or_insert(module);
                }
                if let Some(version) = book.missing(&next) {
                    book.cool_down();
                    return Ok(Tried::Missing(version));
                }
                let put = registry.put(&mut book, next.clone(), None).await;
                book.cool_down();
                put.map(|()| Tried::Done(Box::new(next), gives))
            });
            match tried.await? {
                Tried::Done(next, gives) => return Ok((*next, gives)),
                Tried::Missing(version) => {
                    compiled.insert(version, self.compile(version).await?);
                }
            }
        }
    }

    async fn compile(&self, version: Version) -> Result<Arc<Module>, Refusal> {
        let _permit = self.compiling.acquire().await;
        self.source().load(version).await.map_err(Refusal::Module)
    }

    async fn load(&self, artifact: Artifact) -> Result<Module, LoadError> {
        let _permit = self.compiling.acquire().await;
        self.loader.load(artifact).await
    }

    /// Keeps that a canary was taken off, if one was, before anything else is changed.
    pub(super) async fn settle(&self, book: &mut Book) -> Result<(), Refusal> {
        let fallen = self.fallen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((canary, reason)) = fallen else { return Ok(()) };
        // Another canary of the same version has done nothing wrong yet.
        if book.canary.as_ref().is_some_and(|present| Arc::ptr_eq(present, &canary)) {
            let next = book.deployment.clone().canary_rolled_back(canary.version, reason, self.clock.now());
            self.put(book, next, None).await?;
        }
        self.fallen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_if(|(settled, _)| Arc::ptr_eq(settled, &canary));
        Ok(())
    }

    /// Puts another deployment in the place of the one before: first on disk and then in memory.
    async fn put(&self, book: &mut Book, next: Deployment, new: Option<New>) -> Result<(), Refusal> {
        if next == book.deployment && new.is_none() {
            return Ok(());
        }
        let gone = book.deployment.modules.iter().map(|kept| kept.digest);
        let gone: Vec<_> = gone.filter(|digest| next.modules.iter().all(|kept| kept.digest != *digest)).collect();
        let (before, kept) = (book.deployment.clone(), next.clone());
        self.on_disk(move |folder| folder.keep(&before, &kept, new.as_ref())).await?;
        book.deployment = next;
        book.follow(self.policy);
        book.follow_shadow(self.ground.get(), self.clock.now());
        self.show(book);
        for digest in &gone {
            self.metrics.forget(&digest.short());
        }
        if !gone.is_empty() {
            // Afterwards: what is no longer named is in nobody's way, and the change is made.
            let forgotten = self.on_disk(move |folder| {
                folder.forget(&gone);
                Ok(())
            });
            let _ = forgotten.await;
        }
        Ok(())
    }

    /// From the next request on, this serves.
    pub(super) fn show(&self, book: &Book) {
        let Some(mut next) = book.serving() else { return };
        // What fell stays off, though that is not kept yet.
        let fallen = self.fallen.lock().unwrap_or_else(PoisonError::into_inner);
        next.canary.take_if(|canary| fallen.as_ref().is_some_and(|(fallen, _)| Arc::ptr_eq(fallen, canary)));
        if next.active.digest != self.serving().active.digest {
            self.metrics.swaps.inc();
        }
        self.switch(next);
    }

    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> Result<T, String> + Send + 'static,
    ) -> Result<T, Refusal> {
        let folder = Arc::clone(&self.folder);
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.map_err(|panic| Refusal::NotKept(panic.to_string()))?.map_err(Refusal::NotKept)
    }

    pub(super) fn source(&self) -> Source<'_> {
        Source { loader: &self.loader, folder: &self.folder, standard: self.standard }
    }

    /// Compiles the versions that should be ready. Where the rules are pinned, no other version can become active.
    async fn warm_up(&self) {
        if self.pinned.is_some() {
            return;
        }
        let warm = self.book.lock().await.deployment.warm();
        for version in warm {
            if self.book.lock().await.compiled.contains_key(&version) {
                continue;
            }
            match self.compile(version).await {
                Ok(module) => {
                    let mut book = self.book.lock().await;
                    book.compiled.entry(version).or_insert(module);
                    // Unless it was deleted meanwhile.
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

/// Runs a change to its end, also when whoever asked for it is gone: what is on disk must not differ from what serves.
async fn finished<T: Send + 'static>(
    change: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::spawn(change).await.map_err(|panic| Refusal::NotKept(panic.to_string()))?
}

fn kept(module: &Module, now: Millis) -> Kept {
    Kept {
        digest: module.digest,
        name: module.manifest.name.clone(),
        version: module.manifest.version.clone(),
        summary: module.manifest.summary.clone(),
        bytes: module.loaded.bytes,
        uploaded_at_ms: now,
        used_at_ms: now,
        signed_by: module.loaded.signed_by.clone(),
    }
}

fn uploaded(module: &Module, known: bool) -> Uploaded {
    Uploaded {
        digest: module.digest,
        name: module.manifest.name.clone(),
        version: module.manifest.version.clone(),
        summary: module.manifest.summary.clone(),
        bytes: module.loaded.bytes,
        signed_by: module.loaded.signed_by.clone(),
        known,
        cached: module.loaded.cached,
        load_ms: module.loaded.loaded_in.as_millis().try_into().unwrap_or(u64::MAX),
    }
}
