//! Proves on a live database what is promised at all times. Reads only.

use rusqlite::Connection;

/// Events looked at in one snapshot: short ones, so that a proof of a large database does not pin the log.
const CHUNK: u32 = 100;
/// Most violations that are listed: one is one too many.
const MAX_LISTED: usize = 100;

/// What does not hold, in words; empty is what it has to be.
///
/// It reads every ticket, one chunk of events after the other, each in its own snapshot: on a database that is being
/// written to, every event is proved at one moment, though not all at the same.
///
/// # Errors
/// The database cannot be read.
pub fn violations(db: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    events(db, &mut found)?;
    keys(db, &mut found)?;
    trail(db, &mut found)?;
    events_of_the_trail(db, &mut found)?;
    let mut orphans = db.prepare("PRAGMA foreign_key_check")?;
    let mut rows = orphans.query([])?;
    while let Some(row) = rows.next()?
        && found.len() < MAX_LISTED
    {
        found.push(format!("row {} of {} has no parent", row.get::<_, i64>(1)?, row.get::<_, String>(0)?));
    }
    found.truncate(MAX_LISTED);
    Ok(found)
}

/// Every event's seats add up, and no email has two live tickets for it.
fn events(db: &Connection, found: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = db.prepare(
        "SELECT id, capacity, available_spots, confirmed_spots, \
         (SELECT coalesce(sum(quantity), 0) FROM tickets WHERE event_id = events.id AND status <> 'cancelled'), \
         (SELECT coalesce(sum(quantity), 0) FROM tickets WHERE event_id = events.id AND status = 'confirmed'), \
         (SELECT count(*) - count(DISTINCT email_key) FROM tickets WHERE event_id = events.id AND status <> 'cancelled') \
         FROM events WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let mut last = String::new();
    loop {
        let mut rows = statement.query((&last, CHUNK))?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            read += 1;
            last = row.get(0)?;
            let [capacity, available, confirmed, live, sold, doubled] =
                [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get::<_, i64>(6)?];
            if available < 0 || capacity != available + live {
                found.push(format!("event {last}: capacity {capacity}, available {available}, in live tickets {live}"));
            }
            if confirmed != sold {
                found.push(format!("event {last}: confirmed {confirmed}, in confirmed tickets {sold}"));
            }
            if doubled != 0 {
                found.push(format!("event {last}: {doubled} emails too many have a live ticket"));
            }
        }
        if read < CHUNK || found.len() >= MAX_LISTED {
            return Ok(());
        }
    }
}

/// No key of an owner names two tickets.
fn keys(db: &Connection, found: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = db.prepare(
        "SELECT count(*) FROM tickets WHERE idempotency_key IS NOT NULL GROUP BY owner, idempotency_key \
         HAVING count(*) > 1 LIMIT 1",
    )?;
    if statement.query([])?.next()?.is_some() {
        found.push("an idempotency key names two tickets".to_owned());
    }
    Ok(())
}

/// No entry of the audit trail names an event that there is not. Hops from event to event in the index.
fn events_of_the_trail(db: &Connection, found: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = db.prepare(
        "WITH RECURSIVE named (id) AS (SELECT min(event_id) FROM audit UNION ALL \
           SELECT (SELECT min(event_id) FROM audit WHERE event_id > named.id) FROM named WHERE named.id IS NOT NULL) \
         SELECT id FROM named WHERE id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM events WHERE events.id = named.id)",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()?
        && found.len() < MAX_LISTED
    {
        found.push(format!("event {}: the audit trail has it, and nothing else", row.get::<_, String>(0)?));
    }
    Ok(())
}

/// What was done last to a ticket, by the trail, is what it shows. Exact, however clocks went and whatever was forgotten: the trail loses
/// its old end only, so the last entry of a ticket is there if any is. (A ticket without an entry is from before the trail's beginning.)
fn trail(db: &Connection, found: &mut Vec<String>) -> rusqlite::Result<()> {
    // Actions by their numbers: a registration, a confirm, a cancel. With `max`, SQLite takes the other columns of a group from the row that has it.
    let mut statement = db.prepare(
        "SELECT id, (SELECT count(*) FROM \
           (SELECT ticket_id, action, max(seq) FROM audit WHERE event_id = events.id AND ticket_id IS NOT NULL \
            GROUP BY ticket_id) AS last LEFT JOIN tickets ON tickets.id = last.ticket_id \
           WHERE tickets.event_id IS NOT events.id OR NOT CASE action \
             WHEN 3 THEN confirmed_at_ms IS NULL \
               AND (status = 'reserved' OR cancelled_at_ms = expires_at_ms) \
             WHEN 4 THEN status = 'confirmed' \
             WHEN 5 THEN status = 'cancelled' \
             ELSE 0 END) \
         FROM events WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let mut last = String::new();
    loop {
        let mut rows = statement.query((&last, CHUNK))?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            read += 1;
            last = row.get(0)?;
            let others = row.get::<_, i64>(1)?;
            if others != 0 {
                found.push(format!("event {last}: {others} tickets are not as the audit trail left them"));
            }
        }
        if read < CHUNK || found.len() >= MAX_LISTED {
            return Ok(());
        }
    }
}
