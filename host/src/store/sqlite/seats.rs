//! Taking seats and giving them back: the only statements that change the counters of an event.

use rusqlite::Connection;

use super::faults::mutant;
use super::job::Desk;
use super::metrics::Account as _;
use super::rows::{all, ticket, ticket_columns};
use super::trouble::{Trouble, one_row};
use crate::domain::{Action, EventId, Millis, Ticket, TicketStatus, Transition};

/// Most due holds that are read at a time.
const CHUNK: u32 = 256;

/// Takes `quantity` seats if there are that many, in one guarded update.
pub(super) fn take(desk: &Desk<'_>, event: &EventId, quantity: u32) -> Result<bool, Trouble> {
    let sql = if mutant!(desk.faults, CheckThenInsert) {
        "UPDATE events SET available_spots = max(0, available_spots - ?2) WHERE id = ?1"
    } else {
        "UPDATE events SET available_spots = available_spots - ?2 WHERE id = ?1 AND available_spots >= ?2"
    };
    Ok(desk.db.prepare_cached(sql)?.execute((event.as_str(), quantity))? == 1)
}

/// Makes the seats of a hold sold ones.
pub(super) fn sell(db: &Connection, event: &EventId, quantity: u32) -> Result<(), Trouble> {
    let sql = "UPDATE events SET confirmed_spots = confirmed_spots + ?2 WHERE id = ?1";
    let changed = db.prepare_cached(sql)?.execute((event.as_str(), quantity))?;
    one_row(changed, "a ticket's event is gone")
}

/// Gives the seats of a hold or of a sold ticket back.
fn give_back(db: &Connection, ticket: &Ticket) -> Result<(), Trouble> {
    let sold = if ticket.status == TicketStatus::Confirmed { ticket.quantity } else { 0 };
    let sql = "UPDATE events SET available_spots = available_spots + ?2, confirmed_spots = confirmed_spots - ?3 \
               WHERE id = ?1";
    let changed = db.prepare_cached(sql)?.execute((ticket.event_id.as_str(), ticket.quantity, sold))?;
    one_row(changed, "a ticket's event is gone")
}

/// Ends a ticket at `at`, as the transition function has granted, and gives its seats back.
pub(super) fn cancel(db: &Connection, ticket: &Ticket, at: Millis) -> Result<(), Trouble> {
    let sql = "UPDATE tickets SET status = 'cancelled', cancelled_at_ms = ?2 WHERE id = ?1 AND status = ?3";
    let changed = db.prepare_cached(sql)?.execute((ticket.id.as_str(), at.0, ticket.status.name()))?;
    one_row(changed, "a ticket changed while it was cancelled")?;
    give_back(db, ticket)
}

/// Ends a hold that is due at `now`; it gets the moment at which it ran out, whenever that is noticed.
pub(super) fn run_out(desk: &Desk<'_>, hold: &Ticket, now: Millis) -> Result<(), Trouble> {
    let Transition::Release(mut at) = hold.transition(Action::Expire, now) else {
        return Err(Trouble::Broken("a hold that is not due was to be released"));
    };
    if mutant!(desk.faults, SweeperStampsNow) {
        at = Millis(now.0 + 1);
    }
    let sql = "UPDATE tickets SET status = 'cancelled', cancelled_at_ms = ?2 \
               WHERE id = ?1 AND status = 'reserved' AND expires_at_ms <= ?3";
    let changed = desk.db.prepare_cached(sql)?.execute((hold.id.as_str(), at.0, now.0))?;
    one_row(changed, "a hold that was due is not")?;
    desk.changes.count(|changes| changes.released += 1);
    give_back(desk.db, hold)
}

/// Releases due holds of an event, the oldest first, until `wanted` seats are free; no more, so that one job's
/// work is bounded by what it asks for. Gives the seats freed.
pub(super) fn run_out_of(desk: &Desk<'_>, event: &EventId, now: Millis, wanted: u32) -> Result<u32, Trouble> {
    let mut freed = 0;
    while freed < wanted {
        let sql = concat!(
            "SELECT ",
            ticket_columns!("NULL"),
            " FROM tickets WHERE event_id = ?1 AND status = 'reserved' AND expires_at_ms <= ?2 \
             ORDER BY expires_at_ms LIMIT ?3"
        );
        // Each hold has one seat at least.
        let limit = CHUNK.min(wanted - freed);
        let holds = all(desk.db.prepare_cached(sql)?, (event.as_str(), now.0, limit), ticket)?;
        if holds.is_empty() {
            break;
        }
        for hold in holds {
            if freed >= wanted {
                break;
            }
            run_out(desk, &hold.item, now)?;
            freed = freed.saturating_add(hold.item.quantity);
        }
    }
    Ok(freed)
}
