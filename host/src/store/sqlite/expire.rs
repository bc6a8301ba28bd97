//! Sweeping: only tidies, since everybody counts due holds as free already.

use rusqlite::Connection;

use super::faults::mutant;
use super::job::Desk;
use super::rows::{all, ticket, ticket_columns};
use super::seats;
use super::trouble::Trouble;
use crate::domain::Millis;
use crate::store::Swept;

/// Releases at most `batch` due holds, the oldest first.
pub(super) fn expire_due(desk: &Desk<'_>, now: Millis, batch: u32) -> Result<Swept, Trouble> {
    if mutant!(desk.faults, SweeperIgnoresConfirm) {
        release_confirmed(desk, now)?;
    }
    let sql = concat!(
        "SELECT ",
        ticket_columns!("NULL"),
        " FROM tickets WHERE status = 'reserved' AND expires_at_ms <= ?1 ORDER BY expires_at_ms LIMIT ?2"
    );
    let due = all(desk.db.prepare_cached(sql)?, (now.0, batch), ticket)?;
    for hold in &due {
        seats::run_out(desk, &hold.item, now)?;
    }
    let sql = "SELECT min(expires_at_ms) FROM tickets WHERE status = 'reserved'";
    let next: Option<i64> = desk.db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    // At most `batch`, which is a u32.
    let released = u32::try_from(due.len()).unwrap_or(batch);
    Ok(Swept { released, next_deadline: next.map(Millis) })
}

/// Holds that are not due at `now`.
pub(super) fn live(db: &Connection, now: Millis) -> Result<u64, Trouble> {
    let sql = "SELECT count(*) FROM tickets WHERE status = 'reserved' AND expires_at_ms > ?1";
    let live: i64 = db.prepare_cached(sql)?.query_row([now.0], |row| row.get(0))?;
    // A count is never negative.
    Ok(u64::try_from(live).unwrap_or(0))
}

/// When the first hold ends that is not due at `now`: the end of an index range.
pub(super) fn next(db: &Connection, now: Millis) -> Result<Option<Millis>, Trouble> {
    let sql = "SELECT min(expires_at_ms) FROM tickets WHERE status = 'reserved' AND expires_at_ms > ?1";
    let next: Option<i64> = db.prepare_cached(sql)?.query_row([now.0], |row| row.get(0))?;
    Ok(next.map(Millis))
}

fn release_confirmed(desk: &Desk<'_>, now: Millis) -> Result<(), Trouble> {
    let sql =
        concat!("SELECT ", ticket_columns!("NULL"), " FROM tickets WHERE status = 'confirmed' AND expires_at_ms <= ?1");
    for sold in all(desk.db.prepare_cached(sql)?, [now.0], ticket)? {
        seats::cancel(desk.db, &sold.item, sold.item.expires_at)?;
    }
    Ok(())
}
