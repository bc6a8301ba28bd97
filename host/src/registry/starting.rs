//! How a registry begins: with what was kept, or with a file that the rules are pinned to.

use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use tokio::sync::{Notify, Semaphore};

use super::Registry;
use super::book::{Book, Compiled, Ground, Source};
use super::deployment::{Deployment, Version};
use super::folder::Folder;
use super::window::CanaryPolicy;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::sqlite::ReadOnly;
use crate::wasm::{LoadError, LoadRefusal, Loader, Module};

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

fn unavailable(why: String) -> LoadError {
    LoadError::new(LoadRefusal::Unavailable, why)
}

impl Registry {
    /// Reads what was kept, loads what serves, and nothing else. Changes nothing on disk: that begins with [`Registry::own_folder`].
    ///
    /// # Errors
    /// The active module cannot be loaded, or the deployment cannot be read. (A canary or shadow that cannot be loaded is taken off.
    /// Pinned rules need no deployment: one that cannot be read is told in the log, left as it is, and nothing can be changed.)
    pub async fn start(setup: RegistrySetup) -> Result<Arc<Self>, LoadError> {
        let RegistrySetup { loader, standard, pinned, folder, policy, metrics, clock } = setup;
        let (pinned_path, pinned) = pinned.unzip();
        let folder = Arc::new(Folder::at(&folder));
        let found = read(&folder, pinned.is_some()).await?;
        let mut book = Book {
            deployment: found.clone().unwrap_or_default(),
            compiled: standard.0.map(|module| (Version::Standard, module)).into_iter().collect(),
            pinned,
            canary: None,
            shadow: None,
        };
        if book.pinned.is_none() {
            let source = Source { loader: &loader, folder: &folder, standard: standard.1 };
            load_roles(&source, &mut book, clock.as_ref()).await?;
        }
        book.follow(policy);
        let serving = book.serving().ok_or_else(|| unavailable("the active module is not loaded".into()))?;
        let serving = Arc::new(serving);
        let registry = Arc::new(Self {
            serving: RwLock::new(Arc::clone(&serving)),
            book: tokio::sync::Mutex::new(book),
            uploading: Semaphore::new(1),
            compiling: Semaphore::new(1),
            fallen: Mutex::default(),
            has_fallen: Notify::new(),
            judging: AtomicBool::new(true),
            loader: loader.beside_clients(),
            folder,
            found,
            standard: standard.1,
            ground: OnceLock::new(),
            pinned: pinned_path,
            policy,
            metrics,
            clock,
        });
        registry.announce(&serving);
        Ok(registry)
    }

    /// Lets a shadow run from now on: it reads from this store, and takes no larger bodies than these.
    pub(crate) async fn let_shadows_run(&self, store: Arc<ReadOnly>, max_body: usize) {
        // Once is enough: the store is the same.
        let _ = self.ground.set(Ground { store, max_body, outcomes: self.metrics.shadowed.clone() });
        let mut book = self.book.lock().await;
        book.follow_shadow(self.ground.get(), self.clock.now());
        self.show(&book);
    }

    /// Makes this host the only one that changes the folder of modules, from now until [`Registry::close`]. Once everything else of
    /// the host is there: a start that fails leaves no trace.
    ///
    /// # Errors
    /// Another host has the folder, or it cannot be used: one line. Pinned rules are served all the same; then nothing can be changed.
    pub async fn own_folder(&self) -> Result<(), String> {
        let (folder, found) = (Arc::clone(&self.folder), self.found.clone());
        let owned = tokio::task::spawn_blocking(move || {
            // What cannot be read must not be overwritten either.
            folder.deployment().and_then(|_| folder.own(found.as_ref()))
        });
        let owned = owned.await.map_err(|panic| panic.to_string())?;
        match owned {
            Err(why) if self.pinned.is_some() => {
                tracing::warn!("modules cannot be uploaded or changed: {why}");
                self.folder.forbid(why);
            }
            other => other?,
        }
        // A canary or shadow that could not be loaded.
        let book = self.book.lock().await;
        if self.found.as_ref().is_some_and(|found| *found != book.deployment) {
            let (next, before) = (book.deployment.clone(), self.found.clone().unwrap_or_default());
            if let Err(refusal) = self.on_disk(move |folder| folder.keep(&before, &next, None)).await {
                tracing::warn!("that a canary or shadow was taken off is not on disk: {refusal}");
            }
        }
        Ok(())
    }

    /// Waits for a change under way, keeps what the host has done by itself, takes no more, and lets go of the folder.
    pub async fn close(&self) {
        let mut book = self.book.lock().await;
        if let Err(refusal) = self.settle(&mut book).await {
            tracing::error!("that the canary was rolled back is lost, and the next start serves it again: {refusal}");
        }
        book.shadow = None;
        self.show(&book);
        let folder = Arc::clone(&self.folder);
        // If it panicked, the process ends all the same.
        let _ = tokio::task::spawn_blocking(move || folder.release()).await;
    }
}

async fn read(folder: &Arc<Folder>, pinned: bool) -> Result<Option<Deployment>, LoadError> {
    let reading = Arc::clone(folder);
    let read = tokio::task::spawn_blocking(move || reading.deployment()).await;
    match read.map_err(|panic| unavailable(panic.to_string()))? {
        // Told when the folder is to be owned.
        Err(_) if pinned => Ok(None),
        read => read.map_err(unavailable),
    }
}

/// Loads what serves: the active version, or nothing does; then canary and shadow, as far as they can be loaded.
async fn load_roles(source: &Source<'_>, book: &mut Book, clock: &dyn Clock) -> Result<(), LoadError> {
    let active = book.deployment.active;
    let loaded = load_once(source, &mut book.compiled, active).await;
    loaded.map_err(|error| active_is_lost(source, &book.deployment, error))?;
    let canary = book.deployment.canary.map(|canary| canary.version);
    for version in canary.into_iter().chain(book.deployment.shadow).collect::<Vec<_>>() {
        if let Err(error) = load_once(source, &mut book.compiled, version).await {
            let (module, role) = (String::from(version), book.deployment.role(version));
            tracing::error!(module, role, "a module is taken off, since it cannot be loaded: {error}");
            book.deployment = book.deployment.clone().not_loaded(version, error.to_string(), clock.now());
        }
    }
    Ok(())
}

async fn load_once(source: &Source<'_>, compiled: &mut Compiled, version: Version) -> Result<(), LoadError> {
    if let Entry::Vacant(place) = compiled.entry(version) {
        place.insert(source.load(version).await?);
    }
    Ok(())
}

/// What is wrong, and the ways out: nobody else decides which rules serve then.
fn active_is_lost(source: &Source<'_>, deployment: &Deployment, error: LoadError) -> LoadError {
    let Version::Module(digest) = deployment.active else { return error };
    if matches!(error.refusal, LoadRefusal::Unsigned | LoadRefusal::WrongSignature) {
        let message = format!(
            "the active module {} is not trusted: {}; trust the key that signed it, too (--rules-trust is repeatable), or put its signature \
             into {}/{digest}.sig, or start with --rules FILE",
            digest.short(),
            error.message,
            source.folder.path().display()
        );
        return LoadError { message, ..error };
    }
    let folder = source.folder.path().display();
    let message = format!(
        "the active module {} cannot be loaded: {}; put {digest}.wasm back into {folder}, or start with --rules FILE, or move \
         {folder}/deployment.json away to begin with the built-in rules",
        digest.short(),
        error.message
    );
    LoadError { message, ..error }
}
