//! A folder that only this user can write in, and whole files in it.
//!
//! Invariant: what is read was written by this user. The folder belongs to this user and nobody else can write in it, so nobody else can
//! have put, changed or exchanged a file; that is checked on the open folder and the open file, never by path. Nothing follows a symbolic
//! link. It would not stop this user: who can write as this user can change the program itself.

mod prune;

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, flock, fstat, fsync, lstat,
    mkdir, open, openat, renameat, unlinkat, utimensat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

pub(crate) use prune::Bounds;

/// Bits of a mode that let others write.
const OTHERS_WRITE: u32 = 0o022;
/// Bits of a mode that let others do anything.
const OTHERS: u32 = 0o077;

/// Why the folder, or a file in it, is not used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// Somebody else owns it, or can use it; or it is not what it should be. In words.
    Refused(String),
    /// The system's account of it.
    Io(io::Error),
}

impl Unusable {
    /// Whether there is no such folder.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => f.write_str(why),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unusable {}

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

/// What others may do in the folder. Its files are never theirs to read or to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// See the names of what lies there.
    MayLook,
    /// Nothing.
    MayNothing,
}

/// What is on the disk when a file has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Perhaps nothing yet: a crash can leave the file empty or without its end, which the reader has to notice.
    Lazy,
    /// The file, whole, and its name.
    Synced,
}

/// The folder, open.
#[derive(Debug)]
pub(crate) struct PrivateFolder {
    open: OwnedFd,
}

impl PrivateFolder {
    /// Opens the folder, if it is private.
    ///
    /// # Errors
    /// There is none (see [`Unusable::is_missing`]), or it is not private.
    pub(crate) fn open(path: &Path, others: Others) -> Result<Self, Unusable> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = open(without_slash(path), flags, Mode::empty()).map_err(|error| match error {
            Errno::NOTDIR | Errno::LOOP => Unusable::Refused("it is a symbolic link or a file, not a folder".into()),
            other => other.into(),
        })?;
        let forbidden = match others {
            Others::MayLook => OTHERS_WRITE,
            Others::MayNothing => OTHERS,
        };
        check(&folder, forbidden, "make it private (chmod 700), or name another")?;
        Ok(Self { open: folder })
    }

    /// The same, and makes it first if there is none. The folder above must be there.
    pub(crate) fn make(path: &Path, others: Others) -> Result<Self, Unusable> {
        match mkdir(without_slash(path), Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Self::open(path, others),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes this the only lock of the folder, as long as it is open here; `false`: another holds it. It goes with the process.
    pub(crate) fn lock(&self) -> Result<bool, Unusable> {
        match flock(&self.open, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Whether it is the folder at this path now; it may have been removed and made anew since it was opened.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        match (fstat(&self.open), lstat(without_slash(path))) {
            (Ok(ours), Ok(there)) => (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino),
            _ => false,
        }
    }

    /// A file's content; `None`: there is no such file. A file of more than `most` bytes is refused, and so is one that others can read.
    pub(crate) fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, Unusable> {
        is_a_name(name)?;
        // Without blocking: somebody's named pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.open, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(Unusable::Refused("it is a symbolic link".into())),
            Err(other) => return Err(other.into()),
        };
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(Unusable::Refused("it is not a file".into()));
        }
        let size = check(&file, OTHERS, "only its owner may")?;
        if size > most {
            return Err(Unusable::Refused(format!("it has {size} bytes, more than {most}")));
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(size).unwrap_or_default()).map_err(io::Error::other)?;
        File::from(file).take(size).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Counts a file as used now; see [`PrivateFolder::prune`]. One that looks older than it is goes sooner, which is all the harm of a
    /// failure.
    pub(crate) fn touch(&self, name: &str) {
        if is_a_name(name).is_ok() {
            let _ = utimensat(&self.open, name, &NOW, AtFlags::SYMLINK_NOFOLLOW);
        }
    }

    /// Writes a file whole, in these parts: under a temporary name first, so that who reads finds all of it or none, or what was there
    /// before. Only this user can read it.
    pub(crate) fn write(&self, name: &str, parts: &[&[u8]], durability: Durability) -> Result<(), Unusable> {
        is_a_name(name)?;
        // Not of the process id: in a container that is the same each time, and a leftover would be in the way for ever.
        let temporary = prune::temporary(name, rand::random());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.open, &temporary, flags, Mode::RUSR | Mode::WUSR)?;
        let written = self.write_as(&temporary, file, name, parts, durability);
        if written.is_err() {
            // What is left of it is removed by the next who prunes.
            let _ = unlinkat(&self.open, &temporary, AtFlags::empty());
        }
        written
    }

    fn write_as(
        &self,
        temporary: &str,
        file: OwnedFd,
        name: &str,
        parts: &[&[u8]],
        durability: Durability,
    ) -> Result<(), Unusable> {
        // Held until the file is closed: a temporary file that nobody holds is a leftover.
        flock(&file, FlockOperation::LockExclusive)?;
        let mut file = File::from(file);
        for part in parts {
            file.write_all(part)?;
        }
        if durability == Durability::Synced {
            file.sync_all()?;
        }
        match renameat(&self.open, temporary, &self.open, name) {
            // Another process took it for a leftover, before it was held: where nobody counts on it, it is not kept this time.
            Err(Errno::NOENT) if durability == Durability::Lazy => return Ok(()),
            renamed => renamed?,
        }
        if durability == Durability::Synced {
            self.sync()?;
        }
        Ok(())
    }

    /// Removes a file; gives whether there was one.
    pub(crate) fn remove(&self, name: &str, durability: Durability) -> Result<bool, Unusable> {
        is_a_name(name)?;
        match unlinkat(&self.open, name, AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(false),
            Err(other) => return Err(other.into()),
        }
        if durability == Durability::Synced {
            self.sync()?;
        }
        Ok(true)
    }

    /// Puts the names of its files on the disk.
    fn sync(&self) -> Result<(), Unusable> {
        Ok(fsync(&self.open)?)
    }
}

const NOW: Timestamps = Timestamps {
    last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
    last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
};

/// Component by component: a slash at the end would follow a symbolic link.
fn without_slash(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Refuses what would lead out of the folder.
fn is_a_name(name: &str) -> Result<(), Unusable> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err(Unusable::Refused(format!("{name:?} is no name of a file in it")));
    }
    Ok(())
}

/// Refuses what somebody else owns or, by these bits of its mode, may use. Gives its size.
fn check(open: &OwnedFd, forbidden: u32, advice: &str) -> Result<u64, Unusable> {
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
