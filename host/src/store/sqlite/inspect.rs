//! Looks at the files before SQLite does, so that a file that is refused is left as it is.
//!
//! Ordinary file calls are safe here and only here: the host's lock is held, and no connection of this process is
//! open yet.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::migrate::{APPLICATION_ID, SCHEMA};
use super::open::OpenError;

/// What every SQLite database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Bytes of a database's header.
const HEADER: usize = 100;
/// Bytes of a write-ahead log's header, and of each of its frames' headers.
const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// What lies at the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing, or an empty file.
    Nothing,
    /// A database of ours, and whether a write-ahead log with content lies beside it.
    Database {
        /// Then closing without a checkpoint leaves everything as it was.
        with_log: bool,
    },
}

/// The one name of the database: without symbolic links, so that its lock has one name too, and absolute, so that
/// SQLite does not take a name that begins with `file:` for a URI.
pub(super) fn locate(path: &Path) -> Result<PathBuf, OpenError> {
    let io = |error| OpenError::from_io(path, error);
    if path.symlink_metadata().is_ok() {
        let path = path.canonicalize().map_err(io)?;
        let is_file = path.metadata().map_err(io)?.is_file();
        return if is_file { Ok(path) } else { Err(OpenError::NotAFile { path }) };
    }
    let absolute = std::path::absolute(path).map_err(io)?;
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(OpenError::NotAFile { path: path.to_owned() });
    };
    match folder.canonicalize() {
        Ok(folder) if folder.is_dir() => Ok(folder.join(name)),
        Ok(_) => Err(OpenError::NoFolder { path: folder.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(OpenError::NoFolder { path: folder.to_owned() }),
        Err(error) => Err(OpenError::from_io(folder, error)),
    }
}

/// Refuses what is not ours, not whole or not writable.
pub(super) fn inspect(path: &Path) -> Result<Found, OpenError> {
    let io = |error| OpenError::from_io(path, error);
    let log = beside(path, "-wal");
    let log_len = length(&log)?;
    // Opened for writing only to see whether that is allowed.
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return nothing(path, log_len),
        Err(error) => return Err(io(error)),
    };
    let metadata = file.metadata().map_err(io)?;
    // The lock and the log go by the name: under another name another host would have others, and writes would be lost.
    if metadata.nlink() > 1 {
        return Err(OpenError::Linked { path: path.to_owned(), names: metadata.nlink() });
    }
    let bytes = metadata.len();
    if bytes == 0 {
        return nothing(path, log_len);
    }
    let mut header = [0; HEADER];
    let whole = file.read_exact_at(&mut header, 0);
    // A rollback journal means that the database was being made when the host died; SQLite will undo that.
    let journal = length(&beside(path, "-journal"))? > 0;
    let header = match whole {
        _ if journal && header.iter().all(|byte| *byte == 0) => return Ok(Found::Database { with_log: log_len > 0 }),
        Ok(()) if header.starts_with(MAGIC) => Header::parse(path, &header)?,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && header.starts_with(MAGIC) => {
            return Err(OpenError::Truncated { path: path.to_owned(), bytes, expected: HEADER as u64 });
        }
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(io(error)),
        _ => return Err(OpenError::NotADatabase { path: path.to_owned() }),
    };
    if !journal {
        let log = (log_len > 0).then_some(log);
        check_length(path, bytes, &header, log.as_deref())?;
    }
    Ok(Found::Database { with_log: log_len > 0 })
}

/// A log without its database is not an empty database: SQLite would throw the log away.
fn nothing(path: &Path, log_len: u64) -> Result<Found, OpenError> {
    if log_len > 0 {
        let detail = "it is empty, but a write-ahead log (-wal) lies beside it".to_owned();
        return Err(OpenError::Damaged { path: path.to_owned(), detail });
    }
    Ok(Found::Nothing)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn length(path: &Path) -> Result<u64, OpenError> {
    match path.metadata() {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(OpenError::from_io(path, error)),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |value, byte| (value << 8) | u32::from(*byte))
}

/// What the header says of the file's length.
struct Header {
    page_size: u64,
    /// `None`: an old SQLite wrote it without saying.
    pages: Option<u32>,
}

impl Header {
    fn parse(path: &Path, bytes: &[u8; HEADER]) -> Result<Self, OpenError> {
        let application_id = u32_at(bytes, 68);
        if application_id != APPLICATION_ID {
            return Err(OpenError::Foreign { path: path.to_owned(), application_id });
        }
        let schema = u32_at(bytes, 60);
        if schema > SCHEMA {
            return Err(OpenError::NewerSchema { path: path.to_owned(), found: schema, known: SCHEMA });
        }
        let page_size = match u16::from_be_bytes([bytes[16], bytes[17]]) {
            1 => 65_536,
            size if size >= 512 && size.is_power_of_two() => u64::from(size),
            size => {
                let detail = format!("its header gives {size} bytes for a page");
                return Err(OpenError::Damaged { path: path.to_owned(), detail });
            }
        };
        let counted = u32_at(bytes, 24) == u32_at(bytes, 92);
        Ok(Self { page_size, pages: counted.then(|| u32_at(bytes, 28)) })
    }
}

/// Whether every page that the database should have is in the file or in its log. (A crash in a checkpoint leaves
/// a file that is too short, with the rest of it in the log.)
fn check_length(path: &Path, bytes: u64, header: &Header, log: Option<&Path>) -> Result<(), OpenError> {
    let in_file = u32::try_from(bytes / header.page_size).unwrap_or(u32::MAX);
    let log = log.map(|log| Log::read(log, header.page_size, in_file)).transpose()?.unwrap_or_default();
    let Some(pages) = log.pages.or(header.pages) else { return Ok(()) };
    if (in_file..pages).all(|page| log.beyond.contains(&(page + 1))) {
        return Ok(());
    }
    Err(OpenError::Truncated { path: path.to_owned(), bytes, expected: u64::from(pages) * header.page_size })
}

/// What a write-ahead log has beyond the end of the file.
#[derive(Default)]
struct Log {
    /// Pages of the database as of the last commit in it.
    pages: Option<u32>,
    /// The pages in it that lie beyond the end of the file.
    beyond: BTreeSet<u32>,
}

impl Log {
    /// Reads the frames' headers; checksums are left to SQLite, which reads it all again.
    fn read(path: &Path, page_size: u64, in_file: u32) -> Result<Self, OpenError> {
        let io = |error| OpenError::from_io(path, error);
        let file = File::open(path).map_err(io)?;
        let mut found = Self::default();
        let mut header = [0; WAL_HEADER];
        if file.read_exact_at(&mut header, 0).is_err() || u64::from(u32_at(&header, 8)) != page_size {
            return Ok(found);
        }
        let mut at = WAL_HEADER as u64;
        let mut frame = [0; FRAME_HEADER];
        while file.read_exact_at(&mut frame, at).is_ok() && frame[8..16] == header[16..24] {
            let (page, commit) = (u32_at(&frame, 0), u32_at(&frame, 4));
            if page > in_file {
                found.beyond.insert(page);
            }
            if commit > 0 {
                found.pages = Some(commit);
            }
            at += FRAME_HEADER as u64 + page_size;
        }
        Ok(found)
    }
}

/// Bytes of the write-ahead log of the database at `path`. Opens nothing.
pub(super) fn log_bytes(path: &Path) -> Option<u64> {
    beside(path, "-wal").metadata().ok().map(|metadata| metadata.len())
}

/// Which file lies at `path`: its device and its number there. Opens nothing.
pub(super) fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    path.metadata().map(|metadata| (metadata.dev(), metadata.ino()))
}
