//! Events: making, changing, reading.

use rusqlite::Connection;

use super::audit;
use super::cursor::{Scope, not_ours};
use super::faults::{Faults, mutant};
use super::job::Desk;
use super::rows::{Owned, all, event, event_columns, optional};
use super::seats;
use super::trouble::{Trouble, one_row};
use crate::domain::{Actor, AuditAction, Event, EventId, EventPatch, EventQuery, MAX_PAGE, Millis, NewEvent, Page};
use crate::store::{ListRefusal, UpdateRefusal};

/// Makes an event.
pub(super) fn create(desk: &mut Desk<'_>, now: Millis, caller: &Actor, new: &NewEvent) -> Result<Event, Trouble> {
    let made = Event {
        id: EventId::new(desk.ids.next(now)),
        name: new.name.clone(),
        capacity: new.capacity,
        available: new.capacity,
        reserved: 0,
        confirmed: 0,
        starts_at: new.starts_at,
        tags: new.tags.clone(),
        attributes: new.attributes.clone(),
        created_at: now,
        version: 1,
    };
    let sql = "INSERT INTO events (id, capacity, available_spots, confirmed_spots, version, starts_at_ms, \
               created_at_ms, owner, name, tags, attributes) VALUES (?1, ?2, ?2, 0, 1, ?3, ?4, ?5, ?6, ?7, ?8)";
    desk.db.prepare_cached(sql)?.execute((
        made.id.as_str(),
        made.capacity,
        made.starts_at.map(|at| at.0),
        made.created_at.0,
        caller.owner_key(),
        &made.name,
        json(&made.tags)?,
        &made.attributes,
    ))?;
    audit::write(desk, now, caller, AuditAction::CreateEvent, &made.id, None)?;
    Ok(made)
}

fn json(tags: &[String]) -> Result<String, Trouble> {
    serde_json::to_string(tags).map_err(|_| Trouble::Broken("tags do not become JSON"))
}

/// One event as it stands at `now`.
pub(super) fn get(db: &Connection, now: Millis, id: &EventId) -> Result<Option<Event>, Trouble> {
    Ok(find(db, now, id)?.map(|found| found.item))
}

fn find(db: &Connection, now: Millis, id: &EventId) -> Result<Option<Owned<Event>>, Trouble> {
    let sql = concat!("SELECT ", event_columns!(), " FROM events WHERE id = ?2");
    optional(db.prepare_cached(sql)?, (now.0, id.as_str()), event)
}

/// Changes an event.
pub(super) fn update(
    desk: &Desk<'_>,
    now: Millis,
    caller: &Actor,
    id: &EventId,
    patch: &EventPatch,
) -> Result<Result<Event, UpdateRefusal>, Trouble> {
    let Some(found) = find(desk.db, now, id)? else { return Ok(Err(UpdateRefusal::EventNotFound)) };
    let before = found.item;
    if !caller.may_touch(&found.owner) {
        return Ok(Err(UpdateRefusal::NotYours));
    }
    if patch.if_version.is_some_and(|version| version != before.version) {
        return Ok(Err(UpdateRefusal::VersionMismatch(before.version)));
    }
    let taken = before.reserved + before.confirmed;
    let capacity = patch.capacity.unwrap_or(before.capacity);
    if capacity < taken && !mutant!(desk.faults, CapacityUnchecked) {
        return Ok(Err(UpdateRefusal::CapacityBelowSold(taken)));
    }
    make_room(desk, now, &before, capacity)?;
    write(desk, &before, capacity, patch)?;
    audit::write(desk, now, caller, AuditAction::UpdateEvent, id, None)?;
    get(desk.db, now, id)?.map(Ok).ok_or(Trouble::Broken("an event went away while it was changed"))
}

/// Seats that only due holds still have must be free before they can go.
fn make_room(desk: &Desk<'_>, now: Millis, before: &Event, capacity: u32) -> Result<(), Trouble> {
    if capacity >= before.capacity {
        return Ok(());
    }
    let sql = "SELECT available_spots FROM events WHERE id = ?1";
    let free: u32 = desk.db.prepare_cached(sql)?.query_row([before.id.as_str()], |row| row.get(0))?;
    seats::run_out_of(desk, &before.id, now, (before.capacity - capacity).saturating_sub(free))?;
    Ok(())
}

fn write(desk: &Desk<'_>, before: &Event, capacity: u32, patch: &EventPatch) -> Result<(), Trouble> {
    let sql = if mutant!(desk.faults, CapacityUnchecked) {
        "UPDATE events SET capacity = max(?3, confirmed_spots), \
         available_spots = max(0, available_spots + min(0, ?3 - capacity)), name = coalesce(?4, name), \
         starts_at_ms = iif(?5, ?6, starts_at_ms), tags = coalesce(?7, tags), \
         attributes = coalesce(?8, attributes), version = version + 1 WHERE id = ?1 AND version = ?2"
    } else {
        "UPDATE events SET capacity = ?3, available_spots = available_spots + (?3 - capacity), \
         name = coalesce(?4, name), starts_at_ms = iif(?5, ?6, starts_at_ms), tags = coalesce(?7, tags), \
         attributes = coalesce(?8, attributes), version = version + 1 WHERE id = ?1 AND version = ?2"
    };
    let version = i64::try_from(before.version).map_err(|_| Trouble::Broken("an event's version is out of range"))?;
    let changed = desk.db.prepare_cached(sql)?.execute((
        before.id.as_str(),
        version,
        capacity,
        &patch.name,
        patch.starts_at.is_some(),
        patch.starts_at.flatten().map(|at| at.0),
        patch.tags.as_deref().map(json).transpose()?,
        &patch.attributes,
    ))?;
    one_row(changed, "an event changed while it was changed")
}

/// Whether the page is a stretch of the index, or has to be searched for.
pub(super) fn is_scan(query: &EventQuery) -> bool {
    query.words.is_some() || query.tag.is_some() || query.available_only
}

/// Where a page begins: behind this place in the order.
struct Position {
    order: i64,
    id: String,
}

/// One page in the order of the list.
pub(super) fn list(
    db: &Connection,
    now: Millis,
    query: &EventQuery,
    faults: &Faults,
) -> Result<Result<Page<Event>, ListRefusal>, Trouble> {
    #[cfg(feature = "seeded-faults")]
    faults.stand_still(query.words.as_deref());
    let scope = scope(query);
    let start = match &query.cursor {
        // No id is empty, so this is before all that start then.
        None => Position { order: query.starts_after.map_or(i64::MIN, |at| at.0), id: String::new() },
        Some(cursor) => match scope.position(cursor).and_then(|bytes| unpack(&bytes).ok_or_else(not_ours)) {
            Ok(position) => position,
            Err(no) => return Ok(Err(no)),
        },
    };
    let limit = query.limit.clamp(1, MAX_PAGE);
    let mut rows = page(db, now, query, &start, limit + 1)?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = if mutant!(faults, CursorOffByOne) { rows.iter().rev().nth(1) } else { rows.last() };
    let next_cursor = if more { last.map(|last| scope.cursor(&pack(&last.item))) } else { None };
    Ok(Ok(Page { items: rows.into_iter().map(|row| row.item).collect(), next_cursor }))
}

fn scope(query: &EventQuery) -> Scope {
    let number = |at: Option<Millis>| at.map(|at| at.0.to_string());
    Scope::new("events")
        .with(query.words.as_deref())
        .with(query.tag.as_deref())
        .with(number(query.starts_after).as_deref())
        .with(number(query.starts_before).as_deref())
        .with(query.available_only.then_some("available"))
}

fn pack(event: &Event) -> Vec<u8> {
    let mut bytes = event.starts_at.map_or(i64::MAX, |at| at.0).to_be_bytes().to_vec();
    bytes.extend_from_slice(event.id.as_str().as_bytes());
    bytes
}

/// `None`: nobody has packed this.
fn unpack(bytes: &[u8]) -> Option<Position> {
    let (order, id) = bytes.split_first_chunk()?;
    Some(Position { order: i64::from_be_bytes(*order), id: str::from_utf8(id).ok()?.to_owned() })
}

/// The last place in the order that the query reaches. An event without a start starts neither before nor after
/// anything.
fn end(query: &EventQuery) -> i64 {
    match (query.starts_before, query.starts_after) {
        (Some(before), _) => before.0.saturating_sub(1),
        (None, Some(_)) => i64::MAX - 1,
        (None, None) => i64::MAX,
    }
}

fn page(
    db: &Connection,
    now: Millis,
    query: &EventQuery,
    start: &Position,
    limit: u32,
) -> Result<Vec<Owned<Event>>, Trouble> {
    const STRETCH: &str = concat!(
        "SELECT ",
        event_columns!(),
        " FROM events WHERE (starts_order, id) > (?2, ?3) AND starts_order <= ?4 ORDER BY starts_order, id LIMIT ?5"
    );
    const SEARCH: &str = concat!(
        "SELECT ",
        event_columns!(),
        " FROM events WHERE (starts_order, id) > (?2, ?3) AND starts_order <= ?4 \
         AND (?6 IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(?6) AS word WHERE instr(lower(name), word.value) = 0)) \
         AND (?7 IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) AS tag WHERE tag.value = ?7)) \
         AND (NOT ?8 OR available_spots > 0 OR EXISTS (SELECT 1 FROM tickets WHERE event_id = events.id \
         AND status = 'reserved' AND expires_at_ms <= ?1)) \
         ORDER BY starts_order, id LIMIT ?5"
    );
    if !is_scan(query) {
        let params = (now.0, start.order, &start.id, end(query), limit);
        return all(db.prepare_cached(STRETCH)?, params, event);
    }
    let words: Option<Vec<String>> =
        query.words.as_ref().map(|words| words.split_whitespace().map(str::to_ascii_lowercase).collect());
    let words = words.as_deref().map(json).transpose()?;
    let params = (now.0, start.order, &start.id, end(query), limit, words, &query.tag, query.available_only);
    all(db.prepare_cached(SEARCH)?, params, event)
}
