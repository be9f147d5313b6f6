-- One row is one visitor's window in one pool: which distinct articles were read free, and when
-- the first of them was. The count is the length of the list, so the two can never disagree.
CREATE TABLE meter_windows (
    pool       TEXT        NOT NULL,
    subject    UUID        NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    ends_at    TIMESTAMPTZ NOT NULL,
    articles   BYTEA       NOT NULL,   -- fingerprints of 16 bytes, in the order of reading
    version    BIGINT      NOT NULL,   -- changes with every write; settles races between processes
    PRIMARY KEY (pool, subject)
);
CREATE INDEX meter_windows_by_end ON meter_windows (ends_at);

-- Written by the readiness check: a database that can be read but not written is not ready.
CREATE TABLE meter_probe (
    id         BIGINT      PRIMARY KEY CHECK (id = 1),
    checked_at TIMESTAMPTZ NOT NULL
);
