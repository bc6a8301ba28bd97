//! Opening the database: every check before the first byte is written.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::inspect::{Found, inspect};
use super::migrate::{self, APPLICATION_ID, SCHEMA};
use super::options::SqliteOptions;

/// Why the database was not opened. Its file was left as it was.
#[derive(Debug)]
pub enum OpenError {
    /// Another host owns it.
    LockedByHost {
        /// The file that is locked.
        lock: PathBuf,
        /// The process that holds it, as it says.
        holder: String,
    },
    /// Another program has it locked through SQLite.
    LockedBySqlite {
        /// The database.
        path: PathBuf,
    },
    /// It, or the folder that it is in, may not be written to.
    ReadOnly {
        /// What may not be written to.
        path: PathBuf,
    },
    /// The folder that it should be in does not exist.
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// It is a folder, a device or the like.
    NotAFile {
        /// What it is.
        path: PathBuf,
    },
    /// The lock file is something else: it is left alone.
    NotALock {
        /// What lies where the lock should.
        path: PathBuf,
    },
    /// It has several names, and lock and log go by the name.
    Linked {
        /// The file.
        path: PathBuf,
        /// How many names it has.
        names: u64,
    },
    /// It is something else than an SQLite database.
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// Its end is missing.
    Truncated {
        /// The database.
        path: PathBuf,
        /// What it has.
        bytes: u64,
        /// What it should have.
        expected: u64,
    },
    /// Its structure is broken.
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is broken.
        detail: String,
    },
    /// Another application's.
    Foreign {
        /// The database.
        path: PathBuf,
        /// That application, in its own number.
        application_id: u32,
    },
    /// A newer host has changed it to a schema that this one does not know.
    NewerSchema {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The last one that this host knows.
        known: u32,
    },
    /// SQLite would not take a setting that the promises rest on.
    Setting {
        /// The pragma.
        name: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        got: String,
    },
    /// Anything else.
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        detail: String,
    },
}

impl OpenError {
    /// Names what a file call ran into.
    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    pub(super) fn from_io(path: &Path, error: std::io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            ErrorKind::IsADirectory => Self::NotAFile { path },
            _ => Self::Io { path, detail: error.to_string() },
        }
    }

    /// Names what SQLite ran into, by its codes.
    fn from_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::LockedBySqlite { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path },
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            // An unknown table or column is an SQLITE_ERROR: a schema that is not the one that its number says.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::Unknown) => Self::Damaged { path, detail },
            _ => Self::Io { path, detail },
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LockedByHost { lock, holder } => write!(
                f,
                "another host (process {holder}) has this database open and holds {}: stop it first",
                lock.display()
            ),
            Self::LockedBySqlite { path } => {
                write!(f, "{} is locked by another program: close it there and start again", path.display())
            }
            Self::ReadOnly { path } => {
                write!(f, "{} may not be written to: change its permissions or choose another place", path.display())
            }
            Self::NoFolder { path } => write!(f, "the folder {} does not exist: create it first", path.display()),
            Self::NotAFile { path } => write!(f, "{} is not a file: name a file for the database", path.display()),
            Self::NotALock { path } => {
                write!(f, "{} is not a lock of ours, and is left alone: move it away", path.display())
            }
            Self::Linked { path, names } => {
                write!(
                    f,
                    "{} has {names} names (hard links): give it one, since lock and log go by the name",
                    path.display()
                )
            }
            Self::NotADatabase { path } => {
                write!(f, "{} is not an SQLite database: name another file or move it away", path.display())
            }
            Self::Truncated { path, bytes, expected } => {
                write!(f, "{} is cut short, {bytes} bytes of {expected}: restore it from a backup", path.display())
            }
            Self::Damaged { path, detail } => {
                write!(f, "{} is damaged ({detail}): restore it from a backup", path.display())
            }
            Self::Foreign { path, application_id } => write!(
                f,
                "{} belongs to another application (id {application_id:#010x}): name another file",
                path.display()
            ),
            Self::NewerSchema { path, found, known } => write!(
                f,
                "{} has schema {found}, this host knows {known} at most: start the newer host",
                path.display()
            ),
            Self::Setting { name, wanted, got } => {
                write!(f, "SQLite has {name} = {got} where {wanted} is needed: choose another file system")
            }
            Self::Io { path, detail } => write!(f, "cannot open {}: {detail}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

/// The one writing connection. The host's lock is held.
pub(super) fn open_writer(path: &Path, options: &SqliteOptions) -> Result<Connection, OpenError> {
    let found = inspect(path)?;
    let sqlite = |error| OpenError::from_sqlite(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    // Until it is accepted, closing it must not move a log into the database. (Without a log, closing it as usual
    // changes nothing, and removes the files that SQLite has put beside it.)
    let keep_log = found == Found::Database { with_log: true };
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep_log).map_err(sqlite)?;
    db.busy_timeout(options.busy_timeout).map_err(sqlite)?;
    if db.is_readonly("main").map_err(sqlite)? {
        return Err(OpenError::ReadOnly { path: path.to_owned() });
    }
    db.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON")
        .map_err(sqlite)?;
    if found != Found::Nothing {
        check_existing(path, &db)?;
    }
    db.execute_batch("PRAGMA synchronous = FULL").map_err(sqlite)?;
    migrate::migrate(&db).map_err(sqlite)?;
    check_structure(&db).map_err(sqlite)?;
    // 32 MiB, used as needed: the upper pages of every index stay in memory. And temporary storage in memory, since
    // the savepoint of every job has a journal there: on disk it doubles what a job costs (64 against 36 us).
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY")
        .map_err(sqlite)?;
    assert_settings(path, &db)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(sqlite)?;
    keep_statements(&db, 64).map_err(sqlite)?;
    Ok(db)
}

/// A connection that can only read. The writer is open, so the write-ahead log is there.
pub(super) fn open_reader(path: &Path, options: &SqliteOptions) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    // Only the writer checkpoints.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.busy_timeout(options.busy_timeout)?;
    db.execute_batch(
        "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA wal_autocheckpoint = 0",
    )?;
    keep_statements(&db, 32)?;
    // SQLite opens the log at the first read: now, and not when descriptors have become scarce.
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(db)
}

/// Keeps prepared statements prepared: without the stability guarantee SQLite plans a statement anew whenever a value is bound that
/// its planner would like to look at, which made a page of events cost more in parsing than in reading.
fn keep_statements(db: &Connection, capacity: usize) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(capacity);
    Ok(())
}

/// What only SQLite can see: its locks, and a header that is still in the log.
fn check_existing(path: &Path, db: &Connection) -> Result<(), OpenError> {
    let sqlite = |error| OpenError::from_sqlite(path, &error);
    db.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(sqlite)?;
    let application_id = migrate::application_id(db).map_err(sqlite)?;
    if application_id != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned(), application_id });
    }
    let found = migrate::schema(db).map_err(sqlite)?;
    if found > SCHEMA {
        return Err(OpenError::NewerSchema { path: path.to_owned(), found, known: SCHEMA });
    }
    if found == SCHEMA { check_structure(db).map_err(sqlite) } else { Ok(()) }
}

/// Reads a row through every table and index: their roots are there, and the schema is the one that its number
/// says. No more than that, since the start must not grow with the data; `boxoffice check` reads everything.
fn check_structure(db: &Connection) -> rusqlite::Result<()> {
    const PROBES: [&str; 16] = [
        "SELECT * FROM events LIMIT 1",
        "SELECT 1 FROM events WHERE id = ''",
        "SELECT 1 FROM events INDEXED BY events_in_order WHERE starts_order = 0",
        "SELECT * FROM tickets LIMIT 1",
        "SELECT 1 FROM tickets WHERE id = ''",
        "SELECT 1 FROM tickets INDEXED BY tickets_live WHERE event_id = '' AND email_key = '' AND status <> 'cancelled'",
        "SELECT 1 FROM tickets INDEXED BY tickets_by_key WHERE owner = '' AND idempotency_key = ''",
        "SELECT 1 FROM tickets INDEXED BY tickets_by_email WHERE email_key = ''",
        "SELECT 1 FROM tickets INDEXED BY tickets_by_event WHERE event_id = ''",
        "SELECT 1 FROM tickets INDEXED BY holds WHERE status = 'reserved' AND expires_at_ms < 0",
        "SELECT * FROM audit LIMIT 1",
        "SELECT 1 FROM audit INDEXED BY audit_by_event WHERE event_id = ''",
        "SELECT * FROM api_keys LIMIT 1",
        "SELECT 1 FROM api_keys WHERE id = ''",
        "SELECT 1 FROM api_keys INDEXED BY api_keys_in_order WHERE created_at_ms = 0",
        super::keys::PROBE_BY_END,
    ];
    for probe in PROBES {
        db.prepare(probe)?.query([])?.next()?;
    }
    let holds = "SELECT 1 FROM tickets INDEXED BY holds_by_event WHERE status = 'reserved' AND event_id = ''";
    db.prepare(holds)?.query([])?.next()?;
    Ok(())
}

/// Reads back what durability rests on; SQLite does not report a setting that it could not take.
fn assert_settings(path: &Path, db: &Connection) -> Result<(), OpenError> {
    const SETTINGS: [(&str, &str, &str); 5] = [
        ("journal_mode", "PRAGMA journal_mode", "wal"),
        ("synchronous", "PRAGMA synchronous", "2"),
        ("foreign_keys", "PRAGMA foreign_keys", "1"),
        ("trusted_schema", "PRAGMA trusted_schema", "0"),
        ("wal_autocheckpoint", "PRAGMA wal_autocheckpoint", "0"),
    ];
    for (name, sql, wanted) in SETTINGS {
        let got: rusqlite::types::Value =
            db.query_row(sql, [], |row| row.get(0)).map_err(|error| OpenError::from_sqlite(path, &error))?;
        let got = match got {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        };
        if got != wanted {
            return Err(OpenError::Setting { name, wanted, got });
        }
    }
    Ok(())
}
