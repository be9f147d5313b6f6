-- What staff, commands and the service itself did, in order, one row after the other. Every row
-- is authenticated together with the one before it, under a key that the database does not hold.
CREATE TABLE audit_log (
    seq           INTEGER     PRIMARY KEY CHECK (seq > 0),  -- 1, 2, 3, … without a gap
    at            INTEGER     NOT NULL,
    actor_kind    TEXT        NOT NULL CHECK (actor_kind IN ('staff', 'system', 'command')),
    actor_id      TEXT,
    action        TEXT        NOT NULL,   -- a stable dotted word, `staff.added`
    target_kind   TEXT,
    target_id     TEXT,                   -- an id, never an address of mail
    request_id    TEXT,
    ip            TEXT,                   -- a network, never one address in it
    before        TEXT        CHECK (length(before) <= 16384),   -- JSON, never a secret
    after         TEXT        CHECK (length(after) <= 16384),    -- JSON, never a secret
    previous_hash BLOB        NOT NULL CHECK (length(previous_hash) = 32),
    hash          BLOB        NOT NULL CHECK (length(hash) = 32),
    CHECK ((actor_kind = 'staff') = (actor_id IS NOT NULL)),
    CHECK ((target_kind IS NULL) = (target_id IS NULL))
) STRICT;

-- Where the log ends, so that a last row taken away is missed. Those who append take this row
-- first, and so take turns.
CREATE TABLE audit_head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL CHECK (seq >= 0),
    hash BLOB    NOT NULL CHECK (length(hash) = 32),   -- of the row `seq`
    seal BLOB    NOT NULL CHECK (length(seal) = 32)    -- authenticates `seq` and `hash`
) STRICT;
INSERT INTO audit_head (id, seq, hash, seal) VALUES (1, 0, zeroblob(32), zeroblob(32));

CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log only grows');
END;
CREATE TRIGGER audit_log_is_not_deleted BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log only grows');
END;
