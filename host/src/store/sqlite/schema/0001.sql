-- The counters stand first, so that a row that changes on every registration changes near its beginning.
CREATE TABLE events (
    id              TEXT    NOT NULL PRIMARY KEY,
    capacity        INTEGER NOT NULL CHECK (capacity > 0),
    available_spots INTEGER NOT NULL CHECK (available_spots >= 0),
    confirmed_spots INTEGER NOT NULL CHECK (confirmed_spots >= 0),
    version         INTEGER NOT NULL CHECK (version > 0),
    starts_at_ms    INTEGER,
    created_at_ms   INTEGER NOT NULL,
    owner           TEXT    NOT NULL, -- '': nobody known
    name            TEXT    NOT NULL,
    tags            TEXT    NOT NULL, -- a JSON array of strings
    attributes      TEXT    NOT NULL, -- a JSON object
    -- The order of the list: soonest start first, none last.
    starts_order    INTEGER NOT NULL GENERATED ALWAYS AS (coalesce(starts_at_ms, 9223372036854775807)) VIRTUAL,
    CHECK (available_spots <= capacity),
    CHECK (available_spots + confirmed_spots <= capacity)
) STRICT;

CREATE INDEX events_in_order ON events (starts_order, id);

CREATE TABLE tickets (
    id                  TEXT    NOT NULL PRIMARY KEY,
    event_id            TEXT    NOT NULL REFERENCES events (id),
    status              TEXT    NOT NULL CHECK (status IN ('reserved', 'confirmed', 'cancelled')),
    quantity            INTEGER NOT NULL CHECK (quantity > 0),
    reserved_at_ms      INTEGER NOT NULL,
    expires_at_ms       INTEGER NOT NULL,
    confirmed_at_ms     INTEGER,
    cancelled_at_ms     INTEGER,
    email               TEXT    NOT NULL, -- as shown
    email_key           TEXT    NOT NULL, -- as compared
    owner               TEXT    NOT NULL, -- '': nobody known. Never NULL: NULLs would all be distinct in the index of keys
    idempotency_key     TEXT,
    request_fingerprint BLOB,
    attributes          TEXT,
    CHECK ((idempotency_key IS NULL) = (request_fingerprint IS NULL)),
    CHECK (status <> 'reserved' OR (confirmed_at_ms IS NULL AND cancelled_at_ms IS NULL)),
    CHECK (status <> 'confirmed' OR (confirmed_at_ms IS NOT NULL AND cancelled_at_ms IS NULL)),
    CHECK (status <> 'cancelled' OR cancelled_at_ms IS NOT NULL)
) STRICT;

-- Of live tickets only: a plain UNIQUE would lock out for good a person whose hold ran out.
CREATE UNIQUE INDEX tickets_live ON tickets (event_id, email_key) WHERE status <> 'cancelled';
-- Cancelled tickets included: a key names its registration for ever.
CREATE UNIQUE INDEX tickets_by_key ON tickets (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX tickets_by_email ON tickets (email_key, id);
CREATE INDEX tickets_by_event ON tickets (event_id, id);
-- Covers the sum of an event's due holds.
CREATE INDEX holds_by_event ON tickets (event_id, expires_at_ms, quantity) WHERE status = 'reserved';
CREATE INDEX holds ON tickets (expires_at_ms) WHERE status = 'reserved';
