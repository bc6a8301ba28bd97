//! What lies in a private folder, and what is too much of it.

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, flock, openat, statat, unlinkat};

use super::{PrivateFolder, Unusable};

/// How much a folder may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Files.
    pub(crate) files: usize,
    /// Bytes of all of them together.
    pub(crate) bytes: u64,
}

/// A file in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its name.
    pub(crate) name: String,
    /// Bytes.
    pub(crate) size: u64,
    /// When it was written, or last counted as used: seconds and nanoseconds since 1970.
    pub(crate) modified: (i64, u64),
}

/// The name that a file has until it is whole.
pub(super) fn temporary(name: &str, random: u64) -> String {
    format!("{name}.{random:016x}.tmp")
}

/// The name that a temporary file was to have.
fn of_temporary(name: &str) -> Option<&str> {
    let (name, random) = name.strip_suffix(".tmp")?.rsplit_once('.')?;
    (random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
}

impl PrivateFolder {
    /// The files whose names `ours` accepts, those used last first. All others are not looked at.
    pub(crate) fn list(&self, ours: impl Fn(&str) -> bool) -> Result<Vec<Kept>, Unusable> {
        let mut found = Vec::new();
        for name in self.names()?.into_iter().filter(|name| ours(name)) {
            // Another process can have removed it meanwhile.
            let Ok(stat) = statat(&self.open, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
                let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
                found.push(Kept { name, size, modified: (stat.st_mtime, stat.st_mtime_nsec) });
            }
        }
        // By name where the clock was too coarse.
        found.sort_by(|a, b| (b.modified, &b.name).cmp(&(a.modified, &a.name)));
        Ok(found)
    }

    /// Removes leftovers of writing, and of the files whose names `ours` accepts those that were not used for the longest time, until the
    /// others are within the bounds. The file `keep` stays, whatever its size and whatever the clock says. Gives how many were removed.
    pub(crate) fn prune(&self, ours: impl Fn(&str) -> bool, bounds: Bounds, keep: &str) -> Result<usize, Unusable> {
        for name in self.names()? {
            if of_temporary(&name).is_some_and(&ours) {
                self.remove_leftover(&name);
            }
        }
        let mut found = self.list(ours)?;
        // Stable: the others keep their order.
        found.sort_by_key(|file| file.name != keep);
        let (mut bytes, mut removed) = (0_u64, 0);
        for (at, file) in found.iter().enumerate() {
            bytes = bytes.saturating_add(file.size);
            if file.name != keep && (at >= bounds.files || bytes > bounds.bytes) {
                // Whoever has it open reads on; if it is gone already, so much the better.
                removed += usize::from(unlinkat(&self.open, &file.name, AtFlags::empty()).is_ok());
            }
        }
        Ok(removed)
    }

    fn names(&self) -> Result<Vec<String>, Unusable> {
        // A name that is not UTF-8 is none of ours.
        let name = |found: rustix::io::Result<rustix::fs::DirEntry>| match found {
            Ok(found) => found.file_name().to_str().ok().map(|name| Ok(name.to_owned())),
            Err(error) => Some(Err(error.into())),
        };
        Dir::read_from(&self.open)?.filter_map(name).collect()
    }

    /// Removes a temporary file whose writer is gone.
    fn remove_leftover(&self, name: &str) {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(file) = openat(&self.open, name, flags, Mode::empty()) else { return };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // If it is gone, that is what was wanted.
            let _ = unlinkat(&self.open, name, AtFlags::empty());
        }
    }
}
