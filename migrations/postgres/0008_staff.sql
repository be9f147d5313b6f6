-- The people who run the installation.
CREATE TABLE staff (
    id                  UUID        PRIMARY KEY,
    email               TEXT        NOT NULL,          -- as it was typed
    email_key           TEXT        NOT NULL UNIQUE,   -- the same for every spelling
    password_hash       TEXT        NOT NULL,          -- a PHC string
    role                TEXT        NOT NULL CHECK (role IN ('viewer', 'support', 'admin')),
    totp_sealed         BYTEA,                         -- the second factor's secret, sealed
    totp_last_step      BIGINT      NOT NULL DEFAULT 0,  -- the step whose code was used last
    created_at          TIMESTAMPTZ NOT NULL,
    password_changed_at TIMESTAMPTZ NOT NULL,
    disabled_at         TIMESTAMPTZ
);

-- One row is one code that can still be used, once, in place of the second factor.
CREATE TABLE staff_recovery_codes (
    staff_id  UUID  NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
    code_hash BYTEA NOT NULL CHECK (length(code_hash) = 32),
    PRIMARY KEY (staff_id, code_hash)
);
