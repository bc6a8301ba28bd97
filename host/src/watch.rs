//! `--rules FILE --watch`: serves what the file has whenever it changes.
//!
//! Looks at the file's identity instead of asking the system for events: that works on every file system, and through whatever editors and
//! compilers do when they save (in place, or another file renamed over it). Invariant: what was read is loaded only if the file stood still
//! for two looks before it and was the same after it, so half a file is never taken for a module.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

use crate::registry::Registry;
use crate::trust::signature_path;
use crate::wasm::{Artifact, Digest, LoadError, LoadRefusal, Module, blocking};

/// Between two looks. Two of them are half a second, in which nobody who has just saved has looked up yet.
pub(crate) const INTERVAL: Duration = Duration::from_millis(250);
/// Looks without a file after which that is told: 10 s. A build that begins by removing it takes less.
const MISSING_LOOKS: u32 = 40;
/// Looks after which a load is tried again that failed for a reason of the machine's: 5 s.
const PAUSE_LOOKS: u32 = 20;

/// Which file lies at a path, and which state of it. Another one whenever it is written to or exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Device and number of the file there.
    pub file: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// When it was last written to: seconds and nanoseconds.
    pub modified: (i64, i64),
    /// When that, its name or its rights were last changed, which nobody can set: seconds and nanoseconds.
    pub changed: (i64, i64),
}

impl From<&Metadata> for Identity {
    fn from(found: &Metadata) -> Self {
        let modified = (found.mtime(), found.mtime_nsec());
        let changed = (found.ctime(), found.ctime_nsec());
        Self { file: (found.dev(), found.ino()), size: found.len(), modified, changed }
    }
}

/// One look at a file and at the one that belongs to it, if any. `None`: there is none that can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The module, or a certificate.
    pub module: Option<Identity>,
    /// The signature beside the module, or the certificate's key.
    pub signature: Option<Identity>,
}

impl Look {
    /// At the files of this module. Blocks.
    #[must_use]
    pub fn at(module: &Path) -> Self {
        Self::at_both(module, &signature_path(module))
    }

    /// At a file and at the one that belongs to it. Blocks.
    #[must_use]
    pub fn at_both(file: &Path, other: &Path) -> Self {
        let identity = |path: &Path| path.metadata().ok().as_ref().map(Identity::from);
        Self { module: identity(file), signature: identity(other) }
    }

    /// At any other file, which has nothing beside it. Blocks.
    #[must_use]
    pub fn at_file(path: &Path) -> Self {
        Self { module: path.metadata().ok().as_ref().map(Identity::from), signature: None }
    }
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// The file has changed and stands still: read it, look again, and ask [`Watch::is_whole`].
    Read,
    /// There has been no file for so long that somebody should know. Said once.
    TellMissing,
}

/// What was seen so far. Pure: the looks are passed in.
#[derive(Debug)]
pub struct Watch {
    /// What was dealt with last: it serves, or it was refused.
    settled: Look,
    /// Something else, seen by the look before.
    changed: Option<Look>,
    /// Looks without a file, one after the other.
    missing: u32,
    /// Looks until what was dealt with last is read once more; 0: it is not.
    pause: u32,
}

impl Watch {
    /// After this look what lay there was loaded.
    #[must_use]
    pub fn from(settled: Look) -> Self {
        Self { settled, changed: None, missing: 0, pause: 0 }
    }

    /// One look more.
    pub fn looked(&mut self, look: Look) -> Step {
        if look.module.is_none() {
            self.changed = None;
            self.missing = self.missing.saturating_add(1);
            return if self.missing == MISSING_LOOKS { Step::TellMissing } else { Step::Wait };
        }
        self.missing = 0;
        if look == self.settled {
            let again = self.pause == 1;
            self.pause = self.pause.saturating_sub(1);
            self.changed = again.then_some(look);
            if again { Step::Read } else { Step::Wait }
        } else if self.changed == Some(look) {
            Step::Read
        } else {
            self.changed = Some(look);
            Step::Wait
        }
    }

    /// Whether what was read after [`Step::Read`] is one whole state of the file, by a look after the reading. If so, it is dealt with now,
    /// whatever comes of it.
    pub fn is_whole(&mut self, after: Look) -> bool {
        let whole = self.changed == Some(after);
        if whole {
            self.settled = after;
            self.pause = 0;
        }
        self.changed = (!whole).then_some(after);
        whole
    }

    /// What was dealt with last could not be loaded, and that can pass: after a pause it is to be read again, unless it changes before.
    pub fn try_again(&mut self) {
        self.pause = PAUSE_LOOKS;
    }
}

/// A file that is looked at again and again.
pub(crate) struct Watching {
    path: PathBuf,
    watch: Watch,
    ticks: Interval,
    /// What was told last of a file that is tried again.
    told: Option<LoadError>,
}

/// What was noticed of a file.
pub(crate) enum Noticed {
    /// It has changed, and this is what it has now, whole; or why it cannot be read.
    Changed(Result<Artifact, LoadError>),
    /// It has not been there for so long that somebody should know. Noticed once.
    Missing,
}

/// What reading a file again came to.
pub(crate) enum Served {
    /// It has what is served already.
    Same,
    /// From now on this serves.
    Swapped {
        module: Arc<Module>,
        /// What served until now.
        before: Arc<Module>,
    },
}

impl Watching {
    /// `first` is a look from before what serves was read.
    pub(crate) fn from(path: PathBuf, first: Look) -> Self {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { path, watch: Watch::from(first), ticks, told: None }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Comes back when there is something to do, or to tell.
    pub(crate) async fn noticed(&mut self) -> Noticed {
        loop {
            self.ticks.tick().await;
            let Some(now) = look(&self.path).await else { continue };
            match self.watch.looked(now) {
                Step::Wait => {}
                Step::TellMissing => return Noticed::Missing,
                Step::Read => {
                    let read = Artifact::read(&self.path).await;
                    if look(&self.path).await.is_some_and(|after| self.watch.is_whole(after)) {
                        return Noticed::Changed(read);
                    }
                }
            }
        }
    }

    /// What was noticed last is dealt with. What could not be loaded for a reason of the machine's is noticed again after a pause. Gives
    /// why it is not served, if that is to be told: once for what is tried again and again.
    pub(crate) fn dealt_with<T>(&mut self, done: Result<T, LoadError>) -> Result<T, Option<LoadError>> {
        let before = self.told.take();
        done.map_err(|error| {
            if error.refusal == LoadRefusal::Unavailable {
                self.watch.try_again();
                self.told = Some(error.clone());
            }
            (before.as_ref() != Some(&error)).then_some(error)
        })
    }
}

/// Watches until it is dropped. `first` is a look from before the module that serves was read.
pub(crate) async fn run(path: PathBuf, first: Look, registry: Arc<Registry>) {
    let mut watching = Watching::from(path, first);
    loop {
        let noticed = watching.noticed().await;
        let Noticed::Changed(read) = noticed else {
            tracing::warn!("--rules {} is not there; the module before goes on serving", watching.path().display());
            continue;
        };
        let served = serve_read(read, &registry).await;
        match watching.dealt_with(served) {
            Ok(served) => tell_served(watching.path(), &served),
            Err(Some(error)) => tell(watching.path(), &error, &registry),
            Err(None) => {}
        }
    }
}

/// On another thread: a file system that hangs holds up nobody else. `None`: the server ends.
async fn look(path: &Path) -> Option<Look> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || Look::at(&path)).await.ok()
}

/// Serves what was read, in place of what is served.
pub(crate) async fn serve_read(read: Result<Artifact, LoadError>, registry: &Registry) -> Result<Served, LoadError> {
    let before = Arc::clone(&registry.serving().active);
    // Of up to 64 MiB: not on a thread that serves.
    let artifact = read?;
    let (digest, artifact) = blocking(move || (Digest::of(&artifact.bytes), artifact)).await?;
    if digest == before.digest {
        return Ok(Served::Same);
    }
    let module = registry.reload_pinned(artifact).await?;
    Ok(Served::Swapped { module, before })
}

fn tell_served(path: &Path, served: &Served) {
    match served {
        Served::Same => tracing::info!("--rules {} has what is served already", path.display()),
        Served::Swapped { module, before } => tracing::info!(
            module = %module.digest,
            before = %before.digest,
            name = module.manifest.name,
            module_version = module.manifest.version,
            load_ms = u64::try_from(module.loaded.loaded_in.as_millis()).unwrap_or(u64::MAX),
            "rules swapped"
        ),
    }
}

/// Says why the file is not served.
fn tell(path: &Path, error: &LoadError, registry: &Registry) {
    tracing::error!(
        refusal = error.refusal.name(),
        advice = error.refusal.advice(),
        serving = %registry.serving().active.digest,
        "--rules {} is not served, the module before goes on serving: {error}",
        path.display()
    );
}
