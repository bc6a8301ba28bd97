//! One host for one database: a lock on a separate file.
//!
//! Not on the database itself: closing any descriptor of that would drop SQLite's own locks in this process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

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
            let io = |error: std::io::Error| match error.raw_os_error() {
                Some(code) if code == Errno::LOOP.raw_os_error() => OpenError::NotALock { path: path.clone() },
                _ => OpenError::from_io(&path, error),
            };
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                // Whoever may write to the folder could otherwise aim it at any file of ours.
                .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
                .open(&path)
                .map_err(io)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(held(&mut file, path)),
                Err(TryLockError::Error(error)) => return Err(io(error)),
            }
            // Whoever held it before may have removed the file between our opening and our locking it: then this
            // lock is on a file that nobody else will ever find.
            if is_at(&file, &path) {
                if !is_a_lock(&mut file).map_err(io)? {
                    return Err(OpenError::NotALock { path });
                }
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

/// Whether it is empty, or has the id of a process: anything else is somebody's file.
fn is_a_lock(file: &mut File) -> std::io::Result<bool> {
    let mut start = [0; 64];
    let read = file.read_at(&mut start, 0)?;
    Ok(read < start.len() && start[..read].iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace()))
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
