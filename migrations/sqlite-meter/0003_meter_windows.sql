-- One row is one visitor's window in one pool: which distinct articles were read free, and when
-- the first of them was. The count is the length of the list, so the two can never disagree.
-- Times are INTEGER microseconds since 1970 in UTC. WITHOUT ROWID: the primary key is the table,
-- and since subjects sort by time, the windows of new visitors are appended to its end.
CREATE TABLE meter_windows (
    pool       TEXT    NOT NULL,
    subject    BLOB    NOT NULL,
    started_at INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    articles   BLOB    NOT NULL,   -- fingerprints of 16 bytes, in the order of reading
    version    INTEGER NOT NULL,   -- changes with every write; settles races between processes
    PRIMARY KEY (pool, subject)
) WITHOUT ROWID;
CREATE INDEX meter_windows_by_end ON meter_windows (ends_at);

-- Written by the readiness check: a database that can be read but not written is not ready.
CREATE TABLE meter_probe (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    checked_at INTEGER NOT NULL
);
