//! Who did what: written with what was done, read in pages, and forgotten from its old end.

use rusqlite::{Connection, Row};

use super::cursor::{Scope, not_ours};
use super::job::Desk;
use super::metrics::Account as _;
use super::rows::{all, optional};
use super::trouble::Trouble;
use crate::domain::{
    Actor, AuditAction, AuditEntry, AuditQuery, EventId, InvalidField, MAX_PAGE, Millis, Origin, Page, Principal, Role,
    Roles, TicketId,
};
use crate::store::ListRefusal;

/// Writes what was done, in the savepoint of what was done: there is neither without the other.
pub(super) fn write(
    desk: &Desk<'_>,
    now: Millis,
    actor: &Actor,
    action: AuditAction,
    event: &EventId,
    ticket: Option<&TicketId>,
) -> Result<(), Trouble> {
    let sql = "INSERT INTO audit (at_ms, action, event_id, ticket_id, owner, roles, address, module, request_id) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let Origin { address, module, request_id } = &actor.origin;
    desk.db.prepare_cached(sql)?.execute((
        now.0,
        action.code(),
        event.as_str(),
        ticket.map(TicketId::as_str),
        actor.owner_key(),
        actor.roles.code(),
        address.to_string(),
        module,
        request_id,
    ))?;
    desk.changes.count(|changes| changes.audited += 1);
    Ok(())
}

/// Forgets at most `batch` of the oldest entries, as far as all of them are from before `before`; gives how many. The newest of all stays,
/// so that its number is not used again.
pub(super) fn forget(desk: &Desk<'_>, before: Millis, batch: u32) -> Result<u32, Trouble> {
    let newest = "SELECT max(seq) FROM audit";
    let newest: Option<i64> = desk.db.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
    let Some(newest) = newest else { return Ok(0) };
    let sql = "SELECT seq, at_ms FROM audit WHERE seq < ?1 ORDER BY seq LIMIT ?2";
    let mut statement = desk.db.prepare_cached(sql)?;
    let mut rows = statement.query((newest, batch))?;
    let mut last = None;
    // From the old end, and no farther than the first that is to stay: one look, where nothing is to go.
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? >= before.0 {
            break;
        }
        last = Some(row.get::<_, i64>(0)?);
    }
    drop(rows);
    let Some(last) = last else { return Ok(0) };
    let forgotten = desk.db.prepare_cached("DELETE FROM audit WHERE seq <= ?1")?.execute([last])?;
    desk.changes.count(|changes| changes.audit_forgotten += forgotten as u64);
    // At most `batch`, which is a u32.
    Ok(u32::try_from(forgotten).unwrap_or(batch))
}

/// Whether the page is a stretch of an index, or has to be searched for.
pub(super) fn is_scan(query: &AuditQuery) -> bool {
    query.ticket_id.is_some()
}

/// One page, oldest first. It has a cursor unless it is empty: whoever follows the trail keeps the last one and asks again.
pub(super) fn list(
    db: &Connection,
    caller: &Principal,
    query: &AuditQuery,
) -> Result<Result<Page<AuditEntry>, ListRefusal>, Trouble> {
    if let Err(no) = may_read(db, caller, query)? {
        return Ok(Err(no));
    }
    let scope = Scope::new("audit")
        .with(query.event_id.as_ref().map(EventId::as_str))
        .with(query.ticket_id.as_ref().map(TicketId::as_str));
    let number = |bytes: Vec<u8>| bytes.try_into().map(i64::from_be_bytes).map_err(|_| not_ours());
    let after = match query.cursor.as_deref().map(|cursor| scope.position(cursor).and_then(number)).transpose() {
        Ok(after) => after.unwrap_or_default(),
        Err(no) => return Ok(Err(no)),
    };
    let items = page(db, query, after)?;
    let next_cursor = items.last().map(|last| scope.cursor(&last.seq.to_be_bytes()));
    Ok(Ok(Page { items, next_cursor }))
}

/// An admin reads everything, an organizer what was done to an own event.
fn may_read(db: &Connection, caller: &Principal, query: &AuditQuery) -> Result<Result<(), ListRefusal>, Trouble> {
    let Some(event) = &query.event_id else {
        if caller.roles.has(Role::Admin) {
            return Ok(Ok(()));
        }
        let detail = "must name one of your events: only an admin reads the trail of all";
        return Ok(Err(ListRefusal::Invalid(InvalidField::new("/event_id", detail))));
    };
    let sql = "SELECT owner FROM events WHERE id = ?1";
    let owner = optional(db.prepare_cached(sql)?, [event.as_str()], |row| Ok(row.get::<_, String>(0)?))?;
    Ok(match owner {
        None => Err(ListRefusal::EventNotFound),
        Some(owner) if !caller.may_touch(&owner) => Err(ListRefusal::NotYours),
        Some(_) => Ok(()),
    })
}

fn page(db: &Connection, query: &AuditQuery, after: i64) -> Result<Vec<AuditEntry>, Trouble> {
    const ALL: &str = "SELECT seq, at_ms, action, event_id, ticket_id, owner, roles, address, module, request_id FROM audit \
                       WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    const OF_EVENT: &str = "SELECT seq, at_ms, action, event_id, ticket_id, owner, roles, address, module, request_id \
                            FROM audit WHERE event_id = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2";
    // A ticket's event is known, so that no index is needed for tickets: it would cost every registration.
    const OF_TICKET: &str = "SELECT seq, at_ms, action, event_id, ticket_id, owner, roles, address, module, request_id \
                             FROM audit WHERE event_id = (SELECT event_id FROM tickets WHERE id = ?3) \
                             AND (?4 IS NULL OR event_id = ?4) AND ticket_id = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2";
    let limit = query.limit.clamp(1, MAX_PAGE);
    let event = query.event_id.as_ref().map(EventId::as_str);
    match (&query.ticket_id, event) {
        (Some(ticket), event) => all(db.prepare_cached(OF_TICKET)?, (after, limit, ticket.as_str(), event), entry),
        (None, Some(event)) => all(db.prepare_cached(OF_EVENT)?, (after, limit, event), entry),
        (None, None) => all(db.prepare_cached(ALL)?, (after, limit), entry),
    }
}

fn entry(row: &Row<'_>) -> Result<AuditEntry, Trouble> {
    let address = row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(AuditEntry {
        seq: u64::try_from(row.get::<_, i64>(0)?).map_err(|_| Trouble::Broken("a number of the trail is negative"))?,
        at: Millis(row.get(1)?),
        action: AuditAction::coded(row.get(2)?).ok_or(Trouble::Broken("an action of the trail is unknown"))?,
        event_id: EventId::new(row.get::<_, String>(3)?),
        ticket_id: row.get::<_, Option<String>>(4)?.map(TicketId::new),
        owner: row.get(5)?,
        roles: Roles::coded(row.get(6)?).names(),
        origin: Origin {
            address: address.parse().map_err(|_| Trouble::Broken("an address of the trail is none"))?,
            module: row.get(8)?,
            request_id: row.get(9)?,
        },
    })
}
