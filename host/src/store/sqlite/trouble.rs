//! What goes wrong below a use case, and what the caller is told of it.

use std::fmt;

use rusqlite::ErrorCode;

use crate::store::StoreFailure;

/// A statement failed, or a guard that the transition function had granted did not hold.
#[derive(Debug)]
pub(super) enum Trouble {
    /// `SQLite` says so.
    Sql(rusqlite::Error),
    /// We say so: a fault of ours, or a damaged database.
    Broken(&'static str),
}

impl Trouble {
    /// What the caller is told, by `SQLite`'s codes and never by the text of a message. Nothing was written.
    pub(super) fn failure(&self) -> StoreFailure {
        match self {
            // A full disk, another process's lock, a read out of time, no memory: it may well work later.
            Self::Sql(error) if error.sqlite_error_code().is_some_and(passes) => StoreFailure::Overloaded,
            other => StoreFailure::Internal(other.to_string()),
        }
    }

    /// Whether a COMMIT that failed so is known to have written nothing.
    pub(super) fn surely_undone(error: &rusqlite::Error) -> bool {
        // The frame that commits is the last to be written. Whoever could not write it has not committed; whoever
        // could not *sync* it may have.
        matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy))
    }
}

fn passes(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DiskFull
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::OperationInterrupted
            | ErrorCode::OutOfMemory
    )
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(error) => {
                write!(f, "{error}")?;
                match error.sqlite_error() {
                    Some(sqlite) => write!(f, " (SQLite code {})", sqlite.extended_code),
                    None => Ok(()),
                }
            }
            Self::Broken(what) => f.write_str(what),
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Exactly one row was to change: what the transition function granted, the guard in the SQL must grant too.
pub(super) fn one_row(changed: usize, guard: &'static str) -> Result<(), Trouble> {
    if changed == 1 { Ok(()) } else { Err(Trouble::Broken(guard)) }
}
