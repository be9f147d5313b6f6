-- Keys that sign visitor tokens and access receipts, sealed under the installation's master key.
CREATE TABLE signing_keys (
    id           TEXT        PRIMARY KEY,   -- the `kid`
    purpose      TEXT        NOT NULL CHECK (purpose IN ('visitor', 'receipt')),
    sealed       BYTEA       NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    activates_at TIMESTAMPTZ NOT NULL,      -- published before it signs
    retires_at   TIMESTAMPTZ                -- after the last token it signed has ended
);
