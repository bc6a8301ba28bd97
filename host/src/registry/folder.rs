//! Where modules and the deployment are kept: a private folder beside the database.
//!
//! Invariant: the deployment on disk names only modules whose bytes are on disk. A module's bytes are synced before the deployment that
//! names them, and removed after the deployment that names them no longer.
//!
//! Modules that no deployment names may be somebody's only copies: of a deployment that was moved away, say. So only those are removed
//! that this host has left itself: an upload that was never acknowledged has a mark beside it, and a deletion stands in the history.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::deployment::{Deployment, Event, FORMAT, Version};
use crate::private_folder::{Bounds, Durability, Others, PrivateFolder, Unusable};
use crate::trust::MAX_SIGNATURE;
use crate::wasm::{Artifact, Digest, MAX_COMPONENT};

/// The file of the deployment.
const DEPLOYMENT: &str = "deployment.json";
/// Most bytes of it: 16 modules and 100 steps have well under a tenth of that.
const MAX_DEPLOYMENT: u64 = 4 * 1024 * 1024;
/// Ends the name of a mark.
const MARK: &str = ".new";
/// How often the folder is opened anew when another host removes it at the same time.
const MAX_TRIES: usize = 8;

/// The folder. It is made once everything else of the host is there.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    owned: Mutex<Owned>,
}

/// Whether this host may change what lies in the folder.
#[derive(Debug, Clone)]
enum Owned {
    /// It has not asked yet: it only reads.
    NotYet,
    /// Nobody else may, as long as this is open.
    Here {
        folder: Arc<PrivateFolder>,
        /// This host has made it.
        made: bool,
    },
    /// It may not, and why.
    No(String),
}

/// A module that was uploaded, and is not kept yet.
pub(super) struct New {
    pub(super) digest: Digest,
    pub(super) artifact: Artifact,
}

/// Files of a module: its bytes, and its signature.
fn files(digest: Digest) -> [String; 2] {
    [format!("{digest}.wasm"), format!("{digest}.sig")]
}

/// The mark of a module that is being uploaded: there before its bytes are, and gone before the upload is acknowledged.
fn mark(digest: Digest) -> String {
    format!("{digest}{MARK}")
}

/// The module that a file belongs to.
fn module_of(name: &str) -> Option<Digest> {
    let ends = [".wasm", ".sig", MARK];
    ends.into_iter().find_map(|end| name.strip_suffix(end)).and_then(Digest::parse)
}

fn is_ours(name: &str) -> bool {
    name == DEPLOYMENT || module_of(name).is_some()
}

impl Folder {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), owned: Mutex::new(Owned::NotYet) }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The deployment that was kept; `None` where none was. Changes nothing.
    ///
    /// # Errors
    /// The folder or the file cannot be used: which, and what to do.
    pub(super) fn deployment(&self) -> Result<Option<Deployment>, String> {
        let folder = match PrivateFolder::open(&self.path, Others::MayNothing) {
            Ok(folder) => folder,
            Err(why) if why.is_missing() => return Ok(None),
            Err(why) => return Err(format!("--modules-dir {}: {why}", self.path.display())),
        };
        read_deployment(&folder).map_err(|why| {
            let file = self.path.join(DEPLOYMENT);
            format!(
                "{}: {why}; move it away to begin with the built-in rules, or start with --rules FILE",
                file.display()
            )
        })
    }

    /// Makes this host the only one that changes the folder, and removes what a crash left in it: half-written files, modules
    /// whose upload was never acknowledged, and those that were deleted.
    ///
    /// # Errors
    /// Another host has it, or it cannot be used; or it has changed since `seen` was read from it.
    pub(super) fn own(&self, seen: Option<&Deployment>) -> Result<(), String> {
        let named = |why: String| format!("--modules-dir {}: {why}", self.path.display());
        let made = self.path.symlink_metadata().is_err();
        let folder = self.open_alone().map_err(named)?;
        if read_deployment(&folder).map_err(named)?.as_ref() != seen {
            return Err(named("another host has changed it just now; start again".into()));
        }
        // What cannot be tidied away now is in nobody's way.
        let all = Bounds { files: usize::MAX, bytes: u64::MAX };
        let _ = folder.prune(is_ours, all, DEPLOYMENT);
        remove_left(&folder, seen);
        self.set(Owned::Here { folder: Arc::new(folder), made });
        Ok(())
    }

    fn open_alone(&self) -> Result<PrivateFolder, String> {
        for _ in 0..MAX_TRIES {
            let folder = match PrivateFolder::make(&self.path, Others::MayNothing) {
                Ok(folder) => folder,
                // Another host has removed its empty folder in between.
                Err(why) if why.is_missing() && self.path.parent().is_some_and(Path::exists) => continue,
                Err(why) => return Err(why.to_string()),
            };
            if !folder.lock().map_err(|why| why.to_string())? {
                return Err("another host keeps its modules there; stop it, or name another folder".into());
            }
            if folder.is_at(&self.path) {
                return Ok(folder);
            }
        }
        Err("it comes and goes; name another folder".into())
    }

    /// Nothing is kept any more, and why.
    pub(super) fn forbid(&self, why: String) {
        self.set(Owned::No(why));
    }

    /// Lets go of the folder, for the next host. Where nothing was kept, it goes away.
    pub(super) fn release(&self) {
        let owned = std::mem::replace(&mut *self.lock(), Owned::No("the host is stopping".into()));
        if let Owned::Here { folder: _held, made: true } = owned {
            // If it is empty; and it is still held, so nobody else has it.
            let _ = std::fs::remove_dir(&self.path);
        }
    }

    fn set(&self, owned: Owned) {
        *self.lock() = owned;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Owned> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder, if this host may change it.
    ///
    /// # Errors
    /// It may not, and why.
    pub(super) fn writable(&self) -> Result<Arc<PrivateFolder>, String> {
        match &*self.lock() {
            Owned::Here { folder, .. } => Ok(Arc::clone(folder)),
            Owned::No(why) => Err(why.clone()),
            Owned::NotYet => Err("the host is starting".into()),
        }
    }

    /// Keeps a deployment in place of `before`, as a whole or not at all; and before that, a module that it names for the first time.
    ///
    /// # Errors
    /// Why not. Then the deployment on disk is the one before, as far as the disk still does anything.
    pub(super) fn keep(&self, before: &Deployment, next: &Deployment, new: Option<&New>) -> Result<(), String> {
        let folder = self.writable()?;
        // One that is kept already has nothing to lose.
        let unnamed = new.filter(|new| !names(before, new.digest)).map(|new| new.digest);
        let kept = unnamed.map_or(Ok(()), |digest| folder.write(&mark(digest), &[], Durability::Synced));
        let kept = kept.and_then(|()| keep_module(&folder, new)).and_then(|()| write_deployment(&folder, next));
        if let (Ok(()), Some(digest)) = (&kept, unnamed) {
            // If it stays, the next start removes it, and nothing else: the module is named.
            let _ = folder.remove(&mark(digest), Durability::Synced);
        }
        kept.map_err(|why| {
            // It may be there under its name and only not synced; and what nobody was told of must not be found by the next start.
            if read_deployment(&folder).is_ok_and(|there| there.as_ref() == Some(next)) && before != next {
                let _ = write_deployment(&folder, before);
            }
            // Where that has failed too, the module stays: what is named has to be there.
            if let Some(digest) = unnamed.filter(|digest| !is_named(&folder, *digest)) {
                remove(&folder, digest);
            }
            format!("{}: {why}", self.path.display())
        })
    }

    /// A module and its signature, as they were kept. The bytes are those of its digest.
    ///
    /// # Errors
    /// It is not there, or is not what was kept.
    pub(super) fn module(&self, digest: Digest) -> Result<Artifact, String> {
        let folder = match &*self.lock() {
            Owned::Here { folder, .. } => Ok(Arc::clone(folder)),
            _ => PrivateFolder::open(&self.path, Others::MayNothing).map(Arc::new),
        };
        let [wasm, sig] = files(digest);
        let named = |why: &dyn std::fmt::Display| format!("{}: {why}", self.path.join(&wasm).display());
        let folder = folder.map_err(|why| named(&why))?;
        let bytes = folder.read(&wasm, MAX_COMPONENT as u64).map_err(|why| named(&why))?;
        let bytes = bytes.ok_or_else(|| named(&"it is gone"))?;
        if Digest::of(&bytes) != digest {
            return Err(named(&"its content is not what was uploaded"));
        }
        let signature = folder.read(&sig, MAX_SIGNATURE).map_err(|why| named(&why))?;
        Ok(Artifact::with_signature(bytes, signature))
    }

    /// Removes modules that no deployment names any more. What cannot be removed is in nobody's way, and removed by the next start.
    pub(super) fn forget(&self, gone: &[Digest]) {
        if let Ok(folder) = self.writable() {
            for digest in gone {
                remove(&folder, *digest);
            }
        }
    }
}

fn names(deployment: &Deployment, digest: Digest) -> bool {
    deployment.modules.iter().any(|kept| kept.digest == digest)
}

/// Whether the deployment that is there names it; where that cannot be read, it may.
fn is_named(folder: &PrivateFolder, digest: Digest) -> bool {
    read_deployment(folder).map_or(true, |there| there.is_some_and(|there| names(&there, digest)))
}

fn keep_module(folder: &PrivateFolder, new: Option<&New>) -> Result<(), Unusable> {
    let Some(New { digest, artifact }) = new else { return Ok(()) };
    let [wasm, sig] = files(*digest);
    if let Some(signature) = artifact.signature() {
        folder.write(&sig, &[signature], Durability::Synced)?;
    }
    folder.write(&wasm, &[&artifact.bytes], Durability::Synced)
}

/// Removes a module and all that belongs to it; the mark last, which the next start looks for.
fn remove(folder: &PrivateFolder, digest: Digest) {
    let [wasm, sig] = files(digest);
    for file in [wasm, sig, mark(digest)] {
        let _ = folder.remove(&file, Durability::Lazy);
    }
}

/// Removes what this host has left when it was ended: modules of marked uploads, and deleted ones. Marks of named modules go alone.
fn remove_left(folder: &PrivateFolder, seen: Option<&Deployment>) {
    let is_named = |digest| seen.is_some_and(|seen| names(seen, digest));
    for file in folder.list(|name| module_of(name).is_some()).unwrap_or_default() {
        let Some(digest) = module_of(&file.name) else { continue };
        let is_mark = file.name.ends_with(MARK);
        if is_named(digest) {
            if is_mark {
                let _ = folder.remove(&file.name, Durability::Lazy);
            }
        } else if is_mark || seen.is_some_and(|seen| was_deleted(seen, digest)) {
            remove(folder, digest);
        }
    }
}

/// Whether the last that happened to it is that it was deleted.
fn was_deleted(deployment: &Deployment, digest: Digest) -> bool {
    let last = deployment.history.iter().find(|step| step.version == Version::Module(digest));
    last.is_some_and(|step| step.event == Event::Deleted)
}

fn write_deployment(folder: &PrivateFolder, deployment: &Deployment) -> Result<(), Unusable> {
    let text = serde_json::to_vec_pretty(deployment).map_err(std::io::Error::from)?;
    folder.write(DEPLOYMENT, &[&text], Durability::Synced)
}

fn read_deployment(folder: &PrivateFolder) -> Result<Option<Deployment>, String> {
    let Some(text) = folder.read(DEPLOYMENT, MAX_DEPLOYMENT).map_err(|why| why.to_string())? else { return Ok(None) };
    let damaged = |why: String| format!("it is damaged, or no deployment: {}", why.escape_debug());
    let read: serde_json::Value = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    // First: a newer form has fields that are not known here.
    match read.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if format > u64::from(FORMAT) => {
            return Err(format!("a newer program wrote it (format {format}, this one knows {FORMAT})"));
        }
        Some(_) => {}
        None => return Err(damaged("it has no format".into())),
    }
    let deployment: Deployment = serde_json::from_value(read).map_err(|error| damaged(error.to_string()))?;
    deployment.is_sound().map_err(damaged)?;
    Ok(Some(deployment))
}
