//! One host for one database: a lock on a separate file.
//!
//! Not on the database itself: closing any descriptor of that would drop SQLite's own locks in this process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::open::OpenError;

/// Held as long as the host owns the database. Its file goes away with it.
#[derive(Debug)]
pub(super) struct HostLock {
    path: PathBuf,
    _file: File,
}

impl HostLock {
    /// Takes the lock of `database`, or says who holds it.
    pub(super) fn take(database: &Path) -> Result<Self, OpenError> {
        let mut name = database.as_os_str().to_owned();
        name.push("-lock");
        let path = PathBuf::from(name);
        loop {
            let io = |error| OpenError::from_io(&path, error);
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(held(&mut file, path)),
                Err(TryLockError::Error(error)) => return Err(io(error)),
            }
            // Whoever held it before may have removed the file between our opening and our locking it: then this
            // lock is on a file that nobody else will ever find.
            if is_at(&file, &path) {
                file.set_len(0).map_err(io)?;
                writeln!(file, "{}", std::process::id()).map_err(io)?;
                return Ok(Self { path, _file: file });
            }
        }
    }
}

fn held(file: &mut File, lock: PathBuf) -> OpenError {
    let mut holder = String::new();
    // Only for the message; a holder that has not written its id yet is "unknown".
    let _ = file.read_to_string(&mut holder);
    let holder = holder.trim();
    let holder = if holder.is_empty() { "unknown" } else { holder };
    OpenError::LockedByHost { lock, holder: holder.to_owned() }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => ours.dev() == there.dev() && ours.ino() == there.ino(),
        _ => false,
    }
}

impl Drop for HostLock {
    fn drop(&mut self) {
        // Still under the lock, so nobody else's file is removed. One that stays does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}
