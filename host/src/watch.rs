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

use crate::registry::Registry;
use crate::trust::signature_path;
use crate::wasm::{Artifact, Digest, LoadError, LoadRefusal, blocking};

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

/// Watches until it is dropped. `first` is a look from before the module that serves was read.
pub(crate) async fn run(path: PathBuf, first: Look, registry: Arc<Registry>) {
    let mut watch = Watch::from(first);
    // What was told last of a file that is tried again.
    let mut told = None;
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(now) = look(&path).await else { continue };
        match watch.looked(now) {
            Step::Wait => {}
            Step::TellMissing => {
                tracing::warn!("--rules {} is not there; the module before goes on serving", path.display());
            }
            Step::Read => {
                let read = Artifact::read(&path).await;
                if look(&path).await.is_some_and(|after| watch.is_whole(after)) {
                    let failed = swap(&path, read, &registry).await.err();
                    if failed.as_ref().is_some_and(|error| error.refusal == LoadRefusal::Unavailable) {
                        watch.try_again();
                    }
                    if let Some(error) = failed.as_ref().filter(|error| told.as_ref() != Some(*error)) {
                        tell(&path, error, &registry);
                    }
                    told = failed.filter(|error| error.refusal == LoadRefusal::Unavailable);
                }
            }
        }
    }
}

/// On another thread: a file system that hangs holds up nobody else. `None`: the server ends.
async fn look(path: &Path) -> Option<Look> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || Look::at(&path)).await.ok()
}

/// Serves what was read.
async fn swap(path: &Path, read: Result<Artifact, LoadError>, registry: &Registry) -> Result<(), LoadError> {
    let serving = registry.serving().active.digest;
    // Of up to 64 MiB: not on a thread that serves.
    let artifact = read?;
    let (digest, artifact) = blocking(move || (Digest::of(&artifact.bytes), artifact)).await?;
    if digest == serving {
        tracing::info!(module = %serving, "--rules {} has what is served already", path.display());
        return Ok(());
    }
    let module = registry.reload_pinned(artifact).await?;
    tracing::info!(
        module = %module.digest,
        before = %serving,
        name = module.manifest.name,
        module_version = module.manifest.version,
        load_ms = u64::try_from(module.loaded.loaded_in.as_millis()).unwrap_or(u64::MAX),
        "rules swapped"
    );
    Ok(())
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
