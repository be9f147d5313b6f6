-- How the readers' pages of a site look. Nothing set: as we made them.
ALTER TABLE sites ADD COLUMN accent TEXT CHECK (length(accent) = 7);            -- `#1a4f8b`
ALTER TABLE sites ADD COLUMN accent_dark TEXT CHECK (length(accent_dark) = 7);  -- on dark paper
ALTER TABLE sites ADD COLUMN font TEXT CHECK (font IN ('serif', 'sans', 'system'));
ALTER TABLE sites ADD COLUMN language TEXT CHECK (length(language) <= 10);      -- the only one it speaks

-- Apart from the sites, which are read anew every few seconds.
CREATE TABLE site_logos (
    site_id    TEXT        PRIMARY KEY REFERENCES sites (id),
    media_type TEXT        NOT NULL CHECK (media_type IN ('image/svg+xml', 'image/png', 'image/webp')),
    version    TEXT        NOT NULL,           -- changes with the bytes
    bytes      BYTEA       NOT NULL CHECK (length(bytes) BETWEEN 1 AND 65536),
    created_at TIMESTAMPTZ NOT NULL
);
