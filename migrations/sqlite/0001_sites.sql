-- Times are INTEGER microseconds since 1970 in UTC: RFC 3339 text does not sort.
-- A site is one title of the publisher: its own meter policy, origins, time zone and keys.
CREATE TABLE sites (
    id         TEXT        PRIMARY KEY,
    name       TEXT        NOT NULL,
    origins    TEXT        NOT NULL,   -- a JSON array of origins, `https://news.example`
    time_zone  TEXT        NOT NULL,   -- an IANA name, never an offset
    policy     TEXT        NOT NULL,   -- the meter's rules in order, as JSON
    created_at INTEGER     NOT NULL
);

-- A secret key is kept only as its SHA-256; a publishable one is public, and kept as it is.
CREATE TABLE site_keys (
    id          TEXT        PRIMARY KEY,
    site_id     TEXT        NOT NULL REFERENCES sites (id),
    kind        TEXT        NOT NULL CHECK (kind IN ('secret', 'publishable')),
    fingerprint TEXT        NOT NULL UNIQUE,
    hint        TEXT        NOT NULL,  -- what staff may see of it: its first and last letters
    created_at  INTEGER     NOT NULL,
    revoked_at  INTEGER
);
CREATE INDEX site_keys_by_site ON site_keys (site_id);
