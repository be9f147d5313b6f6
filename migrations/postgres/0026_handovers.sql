-- A website on another origin learns by a one-time code who has come back to it from our pages. The
-- session that it gets for the code belongs to the one that handed it over.
ALTER TABLE sessions ADD COLUMN handed_from UUID;    -- the session on our own pages
CREATE INDEX sessions_handed_over ON sessions (handed_from) WHERE handed_from IS NOT NULL;

-- Such codes, by their SHA-256.
CREATE TABLE handovers (
    hash         BYTEA        PRIMARY KEY,
    session_id   UUID        NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    site_id      TEXT        NOT NULL,
    origin       TEXT        NOT NULL,         -- where the address that carried the code leads
    expires_at   TIMESTAMPTZ NOT NULL,
    made_session UUID                             -- what it was used for, once
);
CREATE INDEX handovers_by_session ON handovers (session_id);
CREATE INDEX handovers_by_expiry ON handovers (expires_at);
