-- Readiness writes here, to know that the database takes writes. An instance picks one of a few rows, so
-- that instances do not wait for each other.
CREATE TABLE write_probe (
    slot       BIGINT      PRIMARY KEY CHECK (slot BETWEEN 0 AND 255),
    checked_at TIMESTAMPTZ NOT NULL
);
