//! From rows to the domain. Every number is checked on its way.

use rusqlite::{CachedStatement, Params, Row};

use super::trouble::Trouble;
use crate::domain::{Event, EventId, Millis, Ticket, TicketId, TicketStatus};

/// The columns that [`ticket`] reads. `$attributes` is the column, or `NULL` where nobody asks for it: it can be
/// 8 KiB.
macro_rules! ticket_columns {
    ($attributes:literal) => {
        concat!(
            "id, event_id, email, quantity, status, reserved_at_ms, expires_at_ms, confirmed_at_ms, cancelled_at_ms, ",
            $attributes,
            ", owner"
        )
    };
}
pub(super) use ticket_columns;

/// Seats of an event's holds that are due at `?1`: an index range that the sweeper keeps nearly empty.
macro_rules! due_seats {
    () => {
        "(SELECT coalesce(sum(quantity), 0) FROM tickets WHERE event_id = events.id AND status = 'reserved' \
         AND expires_at_ms <= ?1)"
    };
}
pub(super) use due_seats;

/// The columns that [`event`] reads; `?1` is the time.
macro_rules! event_columns {
    () => {
        concat!(
            "id, name, capacity, available_spots, confirmed_spots, starts_at_ms, tags, attributes, created_at_ms, \
             version, owner, ",
            $crate::store::sqlite::rows::due_seats!()
        )
    };
}
pub(super) use event_columns;

/// A row and whose it is.
pub(super) struct Owned<T> {
    pub(super) item: T,
    pub(super) owner: String,
}

/// A row of [`ticket_columns`].
pub(super) fn ticket(row: &Row<'_>) -> Result<Owned<Ticket>, Trouble> {
    let status = TicketStatus::named(row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?)
        .ok_or(Trouble::Broken("a ticket's status is unknown"))?;
    let item = Ticket {
        id: TicketId::new(row.get::<_, String>(0)?),
        event_id: EventId::new(row.get::<_, String>(1)?),
        email: row.get(2)?,
        quantity: row.get(3)?,
        status,
        reserved_at: Millis(row.get(5)?),
        expires_at: Millis(row.get(6)?),
        confirmed_at: row.get::<_, Option<i64>>(7)?.map(Millis),
        cancelled_at: row.get::<_, Option<i64>>(8)?.map(Millis),
        attributes: row.get(9)?,
    };
    Ok(Owned { item, owner: row.get(10)? })
}

/// A row of [`event_columns`].
pub(super) fn event(row: &Row<'_>) -> Result<Owned<Event>, Trouble> {
    let broken = || Trouble::Broken("an event's seats do not add up");
    let (capacity, confirmed): (u32, u32) = (row.get(2)?, row.get(4)?);
    let available = row.get::<_, u32>(3)?.checked_add(row.get(11)?).ok_or_else(broken)?;
    let reserved = capacity.checked_sub(available).and_then(|taken| taken.checked_sub(confirmed)).ok_or_else(broken)?;
    let tags = serde_json::from_str(row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?)
        .map_err(|_| Trouble::Broken("an event's tags are not a JSON array of strings"))?;
    let item = Event {
        id: EventId::new(row.get::<_, String>(0)?),
        name: row.get(1)?,
        capacity,
        available,
        reserved,
        confirmed,
        starts_at: row.get::<_, Option<i64>>(5)?.map(Millis),
        tags,
        attributes: row.get(7)?,
        created_at: Millis(row.get(8)?),
        version: u64::try_from(row.get::<_, i64>(9)?).map_err(|_| Trouble::Broken("an event's version is negative"))?,
    };
    Ok(Owned { item, owner: row.get(10)? })
}

/// The row that there is, if there is one.
pub(super) fn optional<T>(
    mut statement: CachedStatement<'_>,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Trouble>,
) -> Result<Option<T>, Trouble> {
    statement.query(params)?.next()?.map(read).transpose()
}

/// All rows; the statement has a LIMIT.
pub(super) fn all<T>(
    mut statement: CachedStatement<'_>,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Trouble>,
) -> Result<Vec<T>, Trouble> {
    let mut rows = statement.query(params)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row)?);
    }
    Ok(items)
}
