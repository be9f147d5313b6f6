-- Every version of the catalog, as the publisher wrote it. Whoever subscribed keeps the terms of the
-- version that was current then, so no version is ever changed or forgotten.
CREATE TABLE catalog_versions (
    version    INTEGER PRIMARY KEY CHECK (version > 0),   -- 1, 2, 3, …
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),   -- of the text
    text       TEXT    NOT NULL CHECK (length(text) BETWEEN 1 AND 262144),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER catalog_versions_are_not_changed BEFORE UPDATE ON catalog_versions
BEGIN
    SELECT RAISE(ABORT, 'catalog_versions only grow');
END;
CREATE TRIGGER catalog_versions_are_not_deleted BEFORE DELETE ON catalog_versions
BEGIN
    SELECT RAISE(ABORT, 'catalog_versions only grow');
END;
