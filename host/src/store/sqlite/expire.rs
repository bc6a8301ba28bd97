//! Sweeping: only tidies, since everybody counts due holds as free already.

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

fn release_confirmed(desk: &Desk<'_>, now: Millis) -> Result<(), Trouble> {
    let sql =
        concat!("SELECT ", ticket_columns!("NULL"), " FROM tickets WHERE status = 'confirmed' AND expires_at_ms <= ?1");
    for sold in all(desk.db.prepare_cached(sql)?, [now.0], ticket)? {
        seats::cancel(desk.db, &sold.item, sold.item.expires_at)?;
    }
    Ok(())
}
