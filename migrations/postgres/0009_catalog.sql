-- Every version of the catalog, as the publisher wrote it. Whoever subscribed keeps the terms of the
-- version that was current then, so no version is ever changed or forgotten.
CREATE TABLE catalog_versions (
    version    BIGINT      PRIMARY KEY CHECK (version > 0),   -- 1, 2, 3, …
    sha256     BYTEA       NOT NULL CHECK (length(sha256) = 32),   -- of the text
    text       TEXT        NOT NULL CHECK (length(text) BETWEEN 1 AND 262144),
    created_at TIMESTAMPTZ NOT NULL
);

CREATE FUNCTION catalog_versions_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'catalog_versions only grow';
END
$$;
CREATE TRIGGER catalog_versions_only_grow
    BEFORE UPDATE OR DELETE OR TRUNCATE ON catalog_versions
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_versions_only_grow();
