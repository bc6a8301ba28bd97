//! Registering: the one place where seats are sold.

use rusqlite::Connection;

use super::audit;
use super::faults::mutant;
use super::job::Desk;
use super::metrics::Account as _;
use super::rows::{Owned, due_seats, optional, ticket, ticket_columns};
use super::seats;
use super::trouble::Trouble;
use crate::domain::{
    Actor, AuditAction, EventId, IdempotencyKey, Millis, Registration, Ticket, TicketId, TicketStatus,
};
use crate::store::{RegisterRefusal as No, Registered};

/// Takes the seats and makes the ticket, or refuses; a refusal's writes are undone with its savepoint.
pub(super) fn register(
    desk: &mut Desk<'_>,
    now: Millis,
    caller: &Actor,
    wish: &Registration,
) -> Result<Result<Registered, No>, Trouble> {
    let owner = caller.owner_key();
    let fingerprint = wish.fingerprint();
    if let Some(key) = &wish.key
        && let Some((used_for, ticket)) = by_key(desk, owner, key)?
    {
        if used_for != fingerprint && !mutant!(desk.faults, FingerprintIgnored) {
            return Ok(Err(No::IdempotencyKeyReused));
        }
        return Ok(Ok(Registered { ticket: ticket.seen_at(now), replayed: true }));
    }
    // A live ticket has an event, so looking for it first does not change which refusal comes first.
    if let Some(live) = live(desk, &wish.event_id, wish.email.key())? {
        if !live.is_due(now) {
            return Ok(Err(No::AlreadyRegistered));
        }
        seats::run_out(desk, &live, now)?;
    }
    if let Err(no) = take_seats(desk, now, wish)? {
        return Ok(Err(no));
    }
    #[cfg(feature = "seeded-faults")]
    desk.faults.stumble(wish.email.key());
    let ticket = insert(desk, now, owner, wish, &fingerprint)?;
    if !mutant!(desk.faults, AuditInAnotherTransaction) {
        audit::write(desk, now, caller, AuditAction::Register, &ticket.event_id, Some(&ticket.id))?;
    }
    Ok(Ok(Registered { ticket, replayed: false }))
}

/// Seats that are free, else seats of holds that ran out, else none.
fn take_seats(desk: &Desk<'_>, now: Millis, wish: &Registration) -> Result<Result<(), No>, Trouble> {
    let (event, quantity) = (&wish.event_id, wish.quantity);
    if seats::take(desk, event, quantity)? {
        return Ok(Ok(()));
    }
    let sql = "SELECT available_spots FROM events WHERE id = ?1";
    let free = optional(desk.db.prepare_cached(sql)?, [event.as_str()], |row| Ok(row.get::<_, u32>(0)?))?;
    let Some(free) = free else { return Ok(Err(No::EventNotFound)) };
    let short = quantity.saturating_sub(free);
    if mutant!(desk.faults, DueHoldsCountAsTaken) {
        return Ok(Err(No::SoldOut));
    }
    if seats::run_out_of(desk, event, now, short)? < short || !seats::take(desk, event, quantity)? {
        return Ok(Err(No::SoldOut));
    }
    Ok(Ok(()))
}

/// What the key was used for, and the ticket that came of it.
fn by_key(desk: &Desk<'_>, owner: &str, key: &IdempotencyKey) -> Result<Option<([u8; 32], Ticket)>, Trouble> {
    let sql = if mutant!(desk.faults, KeysOfEverybody) {
        concat!(
            "SELECT ",
            ticket_columns!("attributes"),
            ", request_fingerprint FROM tickets \
             WHERE owner >= substr(?1, 1, 0) AND idempotency_key = ?2"
        )
    } else {
        concat!(
            "SELECT ",
            ticket_columns!("attributes"),
            ", request_fingerprint FROM tickets \
             WHERE owner = ?1 AND idempotency_key = ?2"
        )
    };
    optional(desk.db.prepare_cached(sql)?, (owner, key.as_str()), |row| Ok((row.get(11)?, ticket(row)?.item)))
}

/// The one live ticket of that email, due or not.
fn live(desk: &Desk<'_>, event: &EventId, email_key: &str) -> Result<Option<Ticket>, Trouble> {
    if mutant!(desk.faults, PlainUnique) {
        let sql = concat!("SELECT ", ticket_columns!("NULL"), " FROM tickets WHERE event_id = ?1 AND email_key = ?2");
        let ever = optional(desk.db.prepare_cached(sql)?, (event.as_str(), email_key), ticket)?;
        return Ok(ever.map(|found| found.item));
    }
    let sql = concat!(
        "SELECT ",
        ticket_columns!("NULL"),
        " FROM tickets WHERE event_id = ?1 AND email_key = ?2 AND status <> 'cancelled'"
    );
    let found: Option<Owned<Ticket>> = optional(desk.db.prepare_cached(sql)?, (event.as_str(), email_key), ticket)?;
    Ok(found.map(|found| found.item))
}

fn insert(
    desk: &mut Desk<'_>,
    now: Millis,
    owner: &str,
    wish: &Registration,
    fingerprint: &[u8; 32],
) -> Result<Ticket, Trouble> {
    let ticket = Ticket {
        id: TicketId::new(desk.ids.next(now)),
        event_id: wish.event_id.clone(),
        email: wish.email.shown().to_owned(),
        quantity: wish.quantity,
        status: TicketStatus::Reserved,
        reserved_at: now,
        expires_at: now.plus(wish.hold),
        confirmed_at: None,
        cancelled_at: None,
        attributes: wish.attributes.clone(),
    };
    let mut key = wish.key.as_ref().map(|key| (key.as_str(), fingerprint));
    if mutant!(desk.faults, KeyInAnotherTransaction) {
        key = None;
    }
    let sql = "INSERT INTO tickets (id, event_id, status, quantity, reserved_at_ms, expires_at_ms, email, email_key, \
               owner, idempotency_key, request_fingerprint, attributes) \
               VALUES (?1, ?2, 'reserved', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    desk.db.prepare_cached(sql)?.execute(rusqlite::params![
        ticket.id.as_str(),
        ticket.event_id.as_str(),
        ticket.quantity,
        ticket.reserved_at.0,
        ticket.expires_at.0,
        ticket.email,
        wish.email.key(),
        owner,
        key.map(|(key, _)| key),
        key.map(|(_, fingerprint)| fingerprint),
        ticket.attributes,
    ])?;
    desk.changes.count(|changes| changes.reserved += 1);
    Ok(ticket)
}

/// The rest of the mutant that stores the key after the ticket.
#[cfg(feature = "seeded-faults")]
pub(super) fn store_key(desk: &Desk<'_>, ticket: &Ticket, wish: &Registration) -> Result<(), Trouble> {
    let sql = "UPDATE tickets SET idempotency_key = ?2, request_fingerprint = ?3 WHERE id = ?1";
    let key = wish.key.as_ref().map(IdempotencyKey::as_str);
    desk.db.prepare_cached(sql)?.execute((ticket.id.as_str(), key, key.map(|_| wish.fingerprint())))?;
    Ok(())
}

/// What one snapshot says of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It would be refused for want of seats and for nothing else. That is the answer: it was true at an instant
    /// of the request.
    SoldOut,
    /// Seats there are.
    Seats,
    /// Something else comes first, and is the writer's to say.
    AskWriter,
}

/// Looks, in one statement and so in one snapshot, whether a registration would come out sold out.
pub(super) fn look(db: &Connection, now: Millis, owner: &str, wish: &Registration) -> Result<Look, Trouble> {
    let sql = concat!(
        "SELECT available_spots + ",
        due_seats!(),
        ", EXISTS (SELECT 1 FROM tickets WHERE owner = ?3 AND idempotency_key = ?4) \
         OR EXISTS (SELECT 1 FROM tickets WHERE event_id = ?2 AND email_key = ?5 AND status <> 'cancelled') \
         FROM events WHERE id = ?2"
    );
    let key = wish.key.as_ref().map(IdempotencyKey::as_str);
    let params = (now.0, wish.event_id.as_str(), owner, key, wish.email.key());
    let seen = optional(db.prepare_cached(sql)?, params, |row| Ok((row.get::<_, u32>(0)?, row.get::<_, bool>(1)?)))?;
    Ok(match seen {
        Some((seats, _)) if seats >= wish.quantity => Look::Seats,
        Some((_, false)) => Look::SoldOut,
        Some((_, true)) | None => Look::AskWriter,
    })
}
