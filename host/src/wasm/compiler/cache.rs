//! Native code that was compiled before, in a private folder.
//!
//! Invariant: only what this user's host wrote is ever given back. The folder belongs to this user and nobody else can write in it, so
//! nobody else can have put, changed or exchanged an entry; that is checked on the open folder and the open file, never by path. The
//! hash in an entry finds what the disk has done to it, and an entry under another's name. It would not stop this user: who can write
//! as this user can change the program itself.

use std::fmt;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, flock, fstat, futimens,
    mkdir, open, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use sha2::{Digest as _, Sha256};

use super::process::MAX_CODE;
use crate::wasm::engine::Engine;
use crate::wasm::module::Digest;

/// Begins an entry; another version of the form has another.
const MAGIC: &[u8; 16] = b"boxoffice cwasm1";
/// Bytes before the code: the magic, and SHA-256 of name and code.
const HEADER: usize = 16 + 32;
/// Most entries: the last versions of a few modules.
const MAX_ENTRIES: usize = 16;
/// Most bytes of all entries together.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// Bits of a mode that let others write.
const OTHERS_WRITE: u32 = 0o022;
/// Bits of a mode that let others do anything.
const OTHERS: u32 = 0o077;

/// The folder. It is made when there is something to keep.
#[derive(Debug, Clone)]
pub struct Cache {
    path: PathBuf,
}

/// Names an entry: the module, and everything of the engine that decides about its code.
pub(super) struct Key(String);

impl Key {
    pub(super) fn of(digest: Digest, engine: &Engine) -> Self {
        let mut hasher = Sha256Hasher(Sha256::new());
        engine.inner.precompile_compatibility_hash().hash(&mut hasher);
        Self(format!("{digest}-{:016x}.cwasm", hasher.finish()))
    }
}

/// So that the name is the same in every process; the standard library promises that of no hasher.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash: [u8; 32] = self.0.clone().finalize().into();
        hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
    }
}

/// Why the folder, or an entry, is not used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// Somebody else owns it, or can write in it; or it is not what it should be.
    Refused(String),
    Io(io::Error),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => f.write_str(why),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl From<Errno> for Unusable {
    fn from(error: Errno) -> Self {
        Self::Io(error.into())
    }
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Cache {
    /// In this folder.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        // Component by component: a slash at the end would follow a symbolic link.
        Self { path: path.components().collect() }
    }

    /// The code under this name, if there is any that can be trusted. What cannot be is told, removed, and made anew.
    pub(super) fn read(&self, key: &Key) -> Option<Vec<u8>> {
        let folder = match self.folder() {
            Ok(folder) => folder,
            Err(Unusable::Io(error)) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(why) => {
                self.warn(&why);
                return None;
            }
        };
        match read_entry(&folder, &key.0) {
            Ok(code) => code,
            Err(why) => {
                self.forget_in(&folder, key, &why.to_string());
                None
            }
        }
    }

    /// Removes an entry that turned out to be of no use.
    pub(super) fn forget(&self, key: &Key, why: &str) {
        if let Ok(folder) = self.folder() {
            self.forget_in(&folder, key, why);
        }
    }

    fn forget_in(&self, folder: &OwnedFd, key: &Key, why: &str) {
        tracing::warn!(folder = %self.path.display(), entry = key.0, "a compiled module is not used and made anew: {why}");
        // If it cannot be removed it is refused again, and overwritten.
        let _ = unlinkat(folder, &key.0, AtFlags::empty());
    }

    /// Keeps code under this name. A failure costs the next start some time, and no more.
    pub(super) fn store(&self, key: &Key, code: &[u8]) {
        let made = match mkdir(&self.path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => self.folder(),
            Err(error) => Err(error.into()),
        };
        let stored = made.and_then(|folder| {
            write_entry(&folder, &key.0, code)?;
            prune(&folder, &key.0)
        });
        if let Err(why) = stored {
            self.warn(&why);
        }
    }

    fn warn(&self, why: &Unusable) {
        tracing::warn!(
            "the cache folder {} is not used, so modules are compiled at each start: {why}; see --cache-dir",
            self.path.display()
        );
    }

    /// Opens the folder, if it is private.
    fn folder(&self) -> Result<OwnedFd, Unusable> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = open(&self.path, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOTDIR | Errno::LOOP => Unusable::Refused("it is a symbolic link or a file, not a folder".into()),
            other => other.into(),
        })?;
        private(&folder, OTHERS_WRITE, "make it private (chmod 700), or name another")?;
        Ok(folder)
    }
}

/// Refuses what somebody else owns or, by these bits of its mode, may use.
fn private(open: &OwnedFd, forbidden: u32, advice: &str) -> Result<u64, Unusable> {
    let found = fstat(open)?;
    let (user, mode) = (geteuid().as_raw(), found.st_mode & 0o7777);
    if found.st_uid != user {
        let what = format!("it belongs to user {}, and this is user {user}; {advice}", found.st_uid);
        return Err(Unusable::Refused(what));
    }
    if mode & forbidden != 0 {
        let what = if forbidden == OTHERS_WRITE { "write in" } else { "read or write" };
        return Err(Unusable::Refused(format!("others may {what} it (its mode is {mode:o}); {advice}")));
    }
    Ok(u64::try_from(found.st_size).unwrap_or(u64::MAX))
}

fn read_entry(folder: &OwnedFd, name: &str) -> Result<Option<Vec<u8>>, Unusable> {
    // Without blocking: somebody's named pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let entry = match openat(folder, name, flags, Mode::empty()) {
        Ok(entry) => entry,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(Unusable::Refused("it is a symbolic link".into())),
        Err(other) => return Err(other.into()),
    };
    if FileType::from_raw_mode(fstat(&entry)?.st_mode) != FileType::RegularFile {
        return Err(Unusable::Refused("it is not a file".into()));
    }
    let size = private(&entry, OTHERS, "only its owner may")?;
    let most = (HEADER + MAX_CODE) as u64;
    if size > most {
        return Err(Unusable::Refused(format!("it has {size} bytes, more than {most}")));
    }
    let mut bytes = Vec::new();
    let mut entry = File::from(entry);
    bytes.try_reserve_exact(usize::try_from(size).unwrap_or_default()).map_err(io::Error::other)?;
    (&mut entry).take(size).read_to_end(&mut bytes)?;
    let Some((magic, rest)) = bytes.split_first_chunk::<16>() else { return Err(corrupt("it is too short")) };
    let Some((hash, code)) = rest.split_first_chunk::<32>() else { return Err(corrupt("it is too short")) };
    if magic != MAGIC || *hash != hash_of(name, code) {
        return Err(corrupt("its content is not what was written"));
    }
    // The oldest by use go first. An entry that looks older than it is goes sooner, which costs a compilation.
    let _ = futimens(&entry, &NOW);
    bytes.drain(..HEADER);
    Ok(Some(bytes))
}

const NOW: Timestamps = Timestamps {
    last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
};

fn corrupt(what: &str) -> Unusable {
    Unusable::Refused(what.to_owned())
}

/// Of the name too: an entry that was renamed is not the code of the module in its new name.
fn hash_of(name: &str, code: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(name).chain_update([0]).chain_update(code).finalize().into()
}

/// Under a temporary name first: who reads finds a whole entry or none, whoever else writes.
fn write_entry(folder: &OwnedFd, name: &str, code: &[u8]) -> Result<(), Unusable> {
    // Not of the process id: in a container that is the same each time, and a leftover would be in the way for ever.
    let temporary = format!("{name}.{:016x}.tmp", rand::random::<u64>());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let entry = openat(folder, &temporary, flags, Mode::RUSR | Mode::WUSR)?;
    let written = (|| {
        // Held until the file is closed: a temporary file that nobody holds is a leftover.
        flock(&entry, FlockOperation::LockExclusive)?;
        let mut entry = File::from(entry);
        entry.write_all(MAGIC)?;
        entry.write_all(&hash_of(name, code))?;
        entry.write_all(code)?;
        // Without a sync: what a crash leaves unwritten, the hash finds.
        match renameat(folder, &temporary, folder, name) {
            // Another process took it for a leftover, before it was held: then it is not kept this time.
            Err(Errno::NOENT) => Ok(()),
            renamed => Ok(renamed?),
        }
    })();
    if written.is_err() {
        // What is left of it is removed by the next who writes.
        let _ = unlinkat(folder, &temporary, AtFlags::empty());
    }
    written
}

/// Removes leftovers, and the entries that were not used for the longest time, until the others are within the bounds.
fn prune(folder: &OwnedFd, keep: &str) -> Result<(), Unusable> {
    let mut entries = Vec::new();
    for found in Dir::read_from(folder)? {
        let found = found?;
        let name = found.file_name().to_string_lossy().into_owned();
        // Another process can have removed it meanwhile.
        let Ok(stat) = statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        if has_ending(&name, "tmp") {
            remove_leftover(folder, &name);
        } else if has_ending(&name, "cwasm") {
            let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
            entries.push((name != keep, stat.st_mtime, stat.st_mtime_nsec, name, size));
        }
    }
    // The one just written is first, whatever the clock says, and then the youngest.
    entries.sort_by(|a, b| a.0.cmp(&b.0).then((b.1, b.2).cmp(&(a.1, a.2))));
    let mut bytes = 0_u64;
    for (at, (_, _, _, name, size)) in entries.iter().enumerate() {
        bytes = bytes.saturating_add(*size);
        if at >= MAX_ENTRIES || (bytes > MAX_BYTES && name != keep) {
            // Whoever has it open reads on; if it is gone already, so much the better.
            let _ = unlinkat(folder, name, AtFlags::empty());
        }
    }
    Ok(())
}

fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == ending)
}

/// Removes a temporary file whose writer is gone.
fn remove_leftover(folder: &OwnedFd, name: &str) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = openat(folder, name, flags, Mode::empty()) else { return };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        // If it is gone, that is what was wanted.
        let _ = unlinkat(folder, name, AtFlags::empty());
    }
}
