//! Migrations: numbered, forward only, each with its number in one transaction.

use rusqlite::Connection;

/// `boxf`, in the header of every database of ours.
pub(super) const APPLICATION_ID: u32 = 0x626f_7866;

/// The first makes the database; whoever changes the schema adds one and never edits another.
const MIGRATIONS: [&str; 2] = [include_str!("schema/0001.sql"), include_str!("schema/0002.sql")];

/// The schema that this host knows.
#[expect(clippy::cast_possible_truncation, reason = "there are a few")]
pub(super) const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// The schema of the database.
pub(super) fn schema(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The application that made the database.
pub(super) fn application_id(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("PRAGMA application_id", [], |row| row.get(0))
}

/// Brings the database to [`SCHEMA`]; one that is there already is not written to.
pub(super) fn migrate(db: &Connection) -> rusqlite::Result<()> {
    let from = schema(db)?;
    for (number, sql) in (1_u32..).zip(MIGRATIONS).skip(from as usize) {
        // The pragmas are part of the transaction, so a database of ours always says so.
        let result = db.execute_batch(&format!(
            "BEGIN IMMEDIATE; {sql}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number}; COMMIT"
        ));
        if let Err(error) = result {
            if !db.is_autocommit() {
                db.execute_batch("ROLLBACK")?;
            }
            return Err(error);
        }
    }
    Ok(())
}
