//! What happens to a ticket after it was made, and reading tickets.

use rusqlite::Connection;

use super::audit;
use super::cursor::{Scope, not_ours};
use super::faults::mutant;
use super::job::Desk;
use super::metrics::Account as _;
use super::rows::{Owned, all, optional, ticket, ticket_columns};
use super::seats;
use super::trouble::{Trouble, one_row};
use crate::domain::{
    Action, Actor, AuditAction, Identity, MAX_PAGE, Millis, Page, Principal, Ticket, TicketFilter, TicketId,
    TicketQuery, TicketStatus, Transition,
};
use crate::store::{ConfirmRefusal, ListRefusal, TicketNotFound};

/// The ticket, if there is one and it is the caller's.
fn find(db: &Connection, caller: &Principal, id: &TicketId) -> Result<Option<Ticket>, Trouble> {
    let sql = concat!("SELECT ", ticket_columns!("attributes"), " FROM tickets WHERE id = ?1");
    let found = optional(db.prepare_cached(sql)?, [id.as_str()], ticket)?;
    Ok(found.filter(|found| caller.may_touch(&found.owner)).map(|found| found.item))
}

/// The ticket as it stands at `now`.
pub(super) fn get(
    db: &Connection,
    now: Millis,
    caller: &Principal,
    id: &TicketId,
) -> Result<Result<Ticket, TicketNotFound>, Trouble> {
    Ok(find(db, caller, id)?.map(|ticket| ticket.seen_at(now)).ok_or(TicketNotFound))
}

/// Makes a hold a sale.
pub(super) fn confirm(
    desk: &Desk<'_>,
    now: Millis,
    caller: &Actor,
    id: &TicketId,
) -> Result<Result<Ticket, ConfirmRefusal>, Trouble> {
    let everybody = Principal { identity: Identity::Unproved { may_search: true }, ..Principal::default() };
    let principal = if mutant!(desk.faults, OwnersIgnored) { &everybody } else { &caller.principal };
    let Some(mut ticket) = find(desk.db, principal, id)? else { return Ok(Err(ConfirmRefusal::TicketNotFound)) };
    // The mutant's clock is one millisecond behind.
    let now = if mutant!(desk.faults, ExpiryOffByOne) { Millis(now.0 - 1) } else { now };
    match ticket.transition(Action::Confirm, now) {
        Transition::Unchanged => Ok(Ok(ticket)),
        Transition::HoldExpired => Ok(Err(ConfirmRefusal::HoldExpired)),
        Transition::TicketCancelled => Ok(Err(ConfirmRefusal::TicketCancelled)),
        Transition::Release(_) => Err(Trouble::Broken("a confirm was to release a ticket")),
        Transition::Confirm(at) => {
            let sql = "UPDATE tickets SET status = 'confirmed', confirmed_at_ms = ?2 \
                       WHERE id = ?1 AND status = 'reserved' AND expires_at_ms > ?2";
            let changed = desk.db.prepare_cached(sql)?.execute((id.as_str(), at.0))?;
            one_row(changed, "a hold changed while it was confirmed")?;
            seats::sell(desk.db, &ticket.event_id, ticket.quantity)?;
            desk.changes.count(|changes| changes.confirmed += 1);
            audit::write(desk, now, caller, AuditAction::Confirm, &ticket.event_id, Some(id))?;
            ticket.status = TicketStatus::Confirmed;
            ticket.confirmed_at = Some(at);
            Ok(Ok(ticket))
        }
    }
}

/// Ends a ticket; its seats return exactly once.
pub(super) fn cancel(
    desk: &Desk<'_>,
    now: Millis,
    caller: &Actor,
    id: &TicketId,
) -> Result<Result<Ticket, TicketNotFound>, Trouble> {
    let Some(mut ticket) = find(desk.db, caller, id)? else { return Ok(Err(TicketNotFound)) };
    if mutant!(desk.faults, DoubleReturnOfSeats) && ticket.status == TicketStatus::Cancelled {
        let sql =
            "UPDATE events SET available_spots = min(capacity - confirmed_spots, available_spots + ?2) WHERE id = ?1";
        desk.db.prepare_cached(sql)?.execute((ticket.event_id.as_str(), ticket.quantity))?;
    }
    match ticket.transition(Action::Cancel, now) {
        Transition::Unchanged => Ok(Ok(ticket)),
        Transition::Release(at) => {
            // A hold that ran out was over already, swept or not: whoever cancels it then does nothing to it.
            let ran_out = ticket.is_due(now);
            seats::cancel(desk.db, &ticket, at)?;
            desk.changes.count(|changes| changes.cancelled += 1);
            if !ran_out && !mutant!(desk.faults, CancelUnaudited) {
                audit::write(desk, now, caller, AuditAction::Cancel, &ticket.event_id, Some(id))?;
            }
            ticket.status = TicketStatus::Cancelled;
            ticket.cancelled_at = Some(at);
            Ok(Ok(ticket))
        }
        Transition::Confirm(_) | Transition::HoldExpired | Transition::TicketCancelled => {
            Err(Trouble::Broken("a cancel was refused"))
        }
    }
}

/// Whose tickets of an email the caller sees; `None`: everybody's.
pub(super) fn only_of(caller: &Principal) -> Option<&str> {
    // Whoever may touch the rows of nobody in particular may touch all of them.
    if caller.may_touch("") { None } else { Some(caller.owner_key()) }
}

/// One page, oldest first: ids begin with the time.
pub(super) fn list(
    db: &Connection,
    now: Millis,
    caller: &Principal,
    query: &TicketQuery,
) -> Result<Result<Page<Ticket>, ListRefusal>, Trouble> {
    let only = only_of(caller);
    let scope = match &query.filter {
        TicketFilter::OfEvent(event) => {
            let sql = "SELECT owner FROM events WHERE id = ?1";
            let owner = optional(db.prepare_cached(sql)?, [event.as_str()], |row| Ok(row.get::<_, String>(0)?))?;
            match owner {
                None => return Ok(Err(ListRefusal::EventNotFound)),
                Some(owner) if !caller.may_touch(&owner) => return Ok(Err(ListRefusal::NotYours)),
                Some(_) => Scope::new("tickets-of-event").with(Some(event.as_str())),
            }
        }
        TicketFilter::OfEmail(email) => Scope::new("tickets-of-email").with(Some(email.key())).with(only),
    };
    let text = |bytes| String::from_utf8(bytes).map_err(|_| not_ours());
    let after = match query.cursor.as_deref().map(|cursor| scope.position(cursor).and_then(text)).transpose() {
        Ok(after) => after.unwrap_or_default(),
        Err(no) => return Ok(Err(no)),
    };
    let limit = query.limit.clamp(1, MAX_PAGE);
    let mut rows = page(db, &query.filter, only, &after, limit + 1)?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = if more { rows.last().map(|last| scope.cursor(last.item.id.as_str().as_bytes())) } else { None };
    Ok(Ok(Page { items: rows.into_iter().map(|row| row.item.seen_at(now)).collect(), next_cursor }))
}

fn page(
    db: &Connection,
    filter: &TicketFilter,
    only: Option<&str>,
    after: &str,
    limit: u32,
) -> Result<Vec<Owned<Ticket>>, Trouble> {
    const OF_EVENT: &str = concat!(
        "SELECT ",
        ticket_columns!("attributes"),
        " FROM tickets WHERE event_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
    );
    const OF_EMAIL: &str = concat!(
        "SELECT ",
        ticket_columns!("attributes"),
        " FROM tickets WHERE email_key = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
    );
    const OWN_OF_EMAIL: &str = concat!(
        "SELECT ",
        ticket_columns!("attributes"),
        " FROM tickets WHERE email_key = ?1 AND id > ?2 AND owner = ?4 ORDER BY id LIMIT ?3"
    );
    match (filter, only) {
        (TicketFilter::OfEvent(event), _) => all(db.prepare_cached(OF_EVENT)?, (event.as_str(), after, limit), ticket),
        (TicketFilter::OfEmail(email), None) => all(db.prepare_cached(OF_EMAIL)?, (email.key(), after, limit), ticket),
        (TicketFilter::OfEmail(email), Some(owner)) => {
            all(db.prepare_cached(OWN_OF_EMAIL)?, (email.key(), after, limit, owner), ticket)
        }
    }
}
