-- Who did what, written with what was done. What each registration pays for is kept small: numbers instead of names, one index, and no
-- foreign key, which would look the event up once more. (Events are never deleted; the check of the invariants proves the rest.)
CREATE TABLE audit (
    -- Only the oldest go, and never the newest of all: so a number is not used twice.
    seq        INTEGER NOT NULL PRIMARY KEY,
    at_ms      INTEGER NOT NULL,
    action     INTEGER NOT NULL, -- 1 events.create, 2 events.update, 3 tickets.atomic-register, 4 tickets.confirm, 5 tickets.cancel
    event_id   TEXT    NOT NULL,
    ticket_id  TEXT,            -- NULL: what was done was done to the event
    owner      TEXT    NOT NULL, -- as in events and tickets
    roles      INTEGER NOT NULL, -- 1 user + 2 organizer + 4 admin
    address    TEXT    NOT NULL,
    module     BLOB    NOT NULL, -- SHA-256 of its bytes
    request_id TEXT    NOT NULL
) STRICT;

CREATE INDEX audit_by_event ON audit (event_id, seq);

-- What lets a client in. The secret itself is nowhere.
CREATE TABLE api_keys (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    subject       TEXT    NOT NULL, -- whose the rows are that its bearer makes; several keys can share one
    roles         TEXT    NOT NULL, -- names, separated by commas
    secret_hash   BLOB    NOT NULL CHECK (length(secret_hash) = 32), -- SHA-256
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    revoked_at_ms INTEGER,
    last_used_at_ms INTEGER
) STRICT;

-- The order of the list.
CREATE INDEX api_keys_in_order ON api_keys (created_at_ms, id);

-- The old end, of which rows are forgotten.
CREATE INDEX api_keys_by_end
    ON api_keys (min(coalesce(revoked_at_ms, 9223372036854775807), coalesce(expires_at_ms, 9223372036854775807)));
