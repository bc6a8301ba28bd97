//! A database with many tickets in it: of the schema that a server made, filled by SQL, and proved.

use std::path::{Path, PathBuf};

use boxoffice::store::sqlite::violations;
use rusqlite::{Connection, params};

use super::Bench;
use super::program::Program;
use super::server::{Folder, Server};

/// Tickets of one event.
pub(super) const TICKETS_OF_ONE: u32 = 100;
/// Of these, whose seats are taken.
const LIVE: u32 = 60;
const CONFIRMED: u32 = 55;
const CAPACITY: u32 = 1000;
/// Rows of one transaction.
const CHUNK: u32 = 200_000;
/// What ids of rows begin with that a server has made, and not this: later than any here.
const FIRST_MADE: &str = "0192";

/// What the tickets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mix {
    /// 55 of 100 confirmed, 40 ran out, 5 held for very long.
    Usual,
    /// Holds that ran out, and were not swept.
    Due,
}

/// The id of the nth event.
pub(super) fn event_id(n: u32) -> String {
    format!("01900000-0000-7000-8000-{n:012x}")
}

/// Where the database of so many tickets is; it is made if it is not there.
pub(super) async fn grown(bench: &Bench, tickets: u32) -> Result<PathBuf, String> {
    let folder = bench.folder.join(format!("grown-{tickets}"));
    if folder.join("events.db").exists() {
        return Ok(folder);
    }
    let making = bench.folder.join(format!("making-{tickets}"));
    // What an interrupted run has left.
    let _ = std::fs::remove_dir_all(&making);
    let named = |error: std::io::Error| format!("{}: {error}", making.display());
    std::fs::create_dir_all(&making).map_err(named)?;
    make(bench, &making, tickets, Mix::Usual).await?;
    std::fs::rename(&making, &folder).map_err(named)?;
    Ok(folder)
}

/// Makes it in this folder.
pub(super) async fn make(bench: &Bench, folder: &Path, tickets: u32, mix: Mix) -> Result<(), String> {
    let server = Server::start_in(&Program::usual(), Folder::Lasting(folder.to_owned())).await?;
    server.stop().await?;
    let named = |error: rusqlite::Error| format!("the database of {tickets} tickets cannot be made: {error}");
    let mut db = Connection::open(folder.join("events.db")).map_err(named)?;
    fill(bench, &mut db, tickets, mix).map_err(named)?;
    bench.progress.say(format!("{tickets} tickets: proves the invariants"));
    match violations(&db).map_err(named)?.first() {
        Some(violated) => Err(format!("the database of {tickets} tickets is wrong: {violated}")),
        None => Ok(()),
    }
}

fn fill(bench: &Bench, db: &mut Connection, tickets: u32, mix: Mix) -> rusqlite::Result<()> {
    // Nobody waits for it to be durable, and who interrupts it begins again.
    db.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144")?;
    let indexes = indexes(db)?;
    for (name, _) in &indexes {
        db.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    let events = tickets / TICKETS_OF_ONE;
    let (taken, confirmed) = if mix == Mix::Usual { (LIVE, CONFIRMED) } else { (TICKETS_OF_ONE, 0) };
    db.execute(EVENTS, params![events, CAPACITY, CAPACITY - taken, confirmed])?;
    let sql = if mix == Mix::Usual { TICKETS_USUAL } else { TICKETS_DUE };
    for first in (0..tickets).step_by(CHUNK as usize) {
        bench.progress.say(format!("makes {tickets} tickets: {first} (once; they are kept)"));
        let end = tickets.min(first + CHUNK);
        let transaction = db.transaction()?;
        transaction.execute(sql, params![first, end, events])?;
        transaction.execute(AUDIT_REGISTERED, params![first, end, events])?;
        if mix == Mix::Usual {
            transaction.execute(AUDIT_CONFIRMED, params![first, end, events])?;
        }
        transaction.commit()?;
    }
    for (name, sql) in &indexes {
        bench.progress.say(format!("makes {tickets} tickets: the index {name}"));
        db.execute_batch(sql)?;
    }
    db.execute_batch("PRAGMA journal_mode = WAL")
}

/// Those that are not part of a table, by name, as the server made them.
fn indexes(db: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Takes out what a server has made since.
pub(super) fn restore(folder: &Path, tickets: u32) -> Result<(), String> {
    let named = |error: rusqlite::Error| format!("{}: {error}", folder.display());
    let db = Connection::open(folder.join("events.db")).map_err(named)?;
    let entries = i64::from(tickets) * i64::from(TICKETS_OF_ONE + CONFIRMED) / i64::from(TICKETS_OF_ONE);
    db.execute("DELETE FROM audit WHERE seq > ?1", [entries]).map_err(named)?;
    db.execute("DELETE FROM tickets WHERE id > ?1", [FIRST_MADE]).map_err(named)?;
    db.execute("DELETE FROM events WHERE id > ?1", [FIRST_MADE]).map_err(named)?;
    let seats = "UPDATE events SET available_spots = ?1 WHERE available_spots <> ?1";
    db.execute(seats, [CAPACITY - LIVE]).map_err(named)?;
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(named)
}

const EVENTS: &str = "
WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?1)
INSERT INTO events (id, capacity, available_spots, confirmed_spots, version, starts_at_ms, created_at_ms, owner, name, tags, attributes)
SELECT printf('01900000-0000-7000-8000-%012x', n), ?2, ?3, ?4, 1, 1800000000000 + n * 60000, 1780000000000, '', 'Event ' || n,
       '[\"music\"]', '{\"venue\":\"Main Hall\"}'
FROM n";

/// A ticket of each event, then the next of each: what is an event's is not side by side. Emails are in no order.
const TICKETS_USUAL: &str = "
WITH RECURSIVE n(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?2),
t(n, event, email, place) AS (
    SELECT n, printf('01900000-0000-7000-8000-%012x', n % ?3),
           printf('%08x.g%d@example.org', (n * 2654435761) & 4294967295, n), (n / ?3) % 20
    FROM n)
INSERT INTO tickets (id, event_id, status, quantity, reserved_at_ms, expires_at_ms, confirmed_at_ms, cancelled_at_ms, email, email_key, owner)
SELECT printf('01910000-0000-7000-8000-%012x', n), event,
       CASE WHEN place = 0 THEN 'reserved' WHEN place < 9 THEN 'cancelled' ELSE 'confirmed' END, 1, 1780000000000 + n,
       CASE WHEN place = 0 THEN 4102444800000 ELSE 1780000300000 + n END,
       CASE WHEN place >= 9 THEN 1780000060000 + n END, CASE WHEN place BETWEEN 1 AND 8 THEN 1780000300000 + n END, email, email, ''
FROM t";

const TICKETS_DUE: &str = "
WITH RECURSIVE n(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?2),
t(n, event, email) AS (
    SELECT n, printf('01900000-0000-7000-8000-%012x', n % ?3), printf('%08x.g%d@example.org', (n * 2654435761) & 4294967295, n) FROM n)
INSERT INTO tickets (id, event_id, status, quantity, reserved_at_ms, expires_at_ms, email, email_key, owner)
SELECT printf('01910000-0000-7000-8000-%012x', n), event, 'reserved', 1, 1780000000000 + n, 1780000300000 + n, email, email, '' FROM t";

/// Each registration has its entry, and so has each confirmation; a hold that ran out has none.
const AUDIT_REGISTERED: &str = "
WITH RECURSIVE n(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?2)
INSERT INTO audit (at_ms, action, event_id, ticket_id, owner, roles, address, module, request_id)
SELECT 1780000000000 + n, 3, printf('01900000-0000-7000-8000-%012x', n % ?3), printf('01910000-0000-7000-8000-%012x', n), '', 1,
       '127.0.0.1', zeroblob(32), printf('01911111-0000-7000-8000-%012x', n)
FROM n";

const AUDIT_CONFIRMED: &str = "
WITH RECURSIVE n(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?2)
INSERT INTO audit (at_ms, action, event_id, ticket_id, owner, roles, address, module, request_id)
SELECT 1780000060000 + n, 4, printf('01900000-0000-7000-8000-%012x', n % ?3), printf('01910000-0000-7000-8000-%012x', n), '', 1,
       '127.0.0.1', zeroblob(32), printf('01912222-0000-7000-8000-%012x', n)
FROM n WHERE (n / ?3) % 20 >= 9";
