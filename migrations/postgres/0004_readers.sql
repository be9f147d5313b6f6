-- Two more purposes: access tokens, and the tokens in forms.
ALTER TABLE signing_keys DROP CONSTRAINT signing_keys_purpose_check;
ALTER TABLE signing_keys ADD CONSTRAINT signing_keys_purpose_check
    CHECK (purpose IN ('visitor', 'receipt', 'access', 'form'));

-- A reader exists once the mail to the address was answered. Erasing leaves the id alone, so that
-- what must be kept still refers to somebody, but to nobody known.
CREATE TABLE readers (
    id                UUID        PRIMARY KEY,
    email             TEXT,                    -- as typed
    email_key         TEXT        UNIQUE,      -- the same for every spelling
    email_verified_at TIMESTAMPTZ,
    password_hash     TEXT,                    -- a PHC string; none for those who log in by mail
    created_at        TIMESTAMPTZ NOT NULL,
    erased_at         TIMESTAMPTZ,
    CHECK ((erased_at IS NULL) = (email IS NOT NULL)),
    CHECK ((erased_at IS NULL) = (email_key IS NOT NULL)),
    CHECK ((erased_at IS NULL) = (email_verified_at IS NOT NULL)),
    CHECK (erased_at IS NULL OR password_hash IS NULL)
);

-- A session of a reader or of a member of staff: one device that logged in once.
CREATE TABLE sessions (
    id               UUID        PRIMARY KEY,
    realm            TEXT        NOT NULL CHECK (realm IN ('reader', 'staff')),
    subject          UUID        NOT NULL,     -- whose
    device           TEXT        NOT NULL,     -- what the device calls itself
    cookie_hash      BYTEA       UNIQUE,       -- a browser's session on our own pages
    started_at       TIMESTAMPTZ NOT NULL,
    authenticated_at TIMESTAMPTZ NOT NULL,     -- when a secret was last given
    last_used_at     TIMESTAMPTZ NOT NULL,
    expires_at       TIMESTAMPTZ NOT NULL,     -- however much it is used
    ended_at         TIMESTAMPTZ,
    end_reason       TEXT,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_by_subject ON sessions (realm, subject);
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Refresh tokens, by their SHA-256. Each session has one that lives; the others are kept so that
-- their use shows that somebody has a copy.
CREATE TABLE refresh_tokens (
    hash       BYTEA       PRIMARY KEY,
    session_id UUID        NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    parent     BYTEA,                          -- the token it was given for
    state      TEXT        NOT NULL CHECK (state IN ('live', 'used', 'retried', 'void')),
    issued_at  TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX refresh_tokens_live ON refresh_tokens (session_id) WHERE state = 'live';
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_by_age ON refresh_tokens (issued_at) WHERE state <> 'live';

-- What a link in a mail stands for, by the SHA-256 of its token. Deleted when it is used.
CREATE TABLE mailed_links (
    hash          BYTEA       PRIMARY KEY,
    purpose       TEXT        NOT NULL
                  CHECK (purpose IN ('sign_up', 'log_in', 'password_reset')),
    email         TEXT        NOT NULL,
    email_key     TEXT        NOT NULL,
    password_hash TEXT,                        -- chosen at sign-up
    expires_at    TIMESTAMPTZ NOT NULL,
    CHECK ((purpose = 'sign_up') = (password_hash IS NOT NULL))
);
CREATE INDEX mailed_links_by_email ON mailed_links (email_key);
CREATE INDEX mailed_links_by_expiry ON mailed_links (expires_at);

-- A change of address that waits until both ends have agreed. One at a time for a reader.
CREATE TABLE address_changes (
    reader_id        UUID        PRIMARY KEY REFERENCES readers (id) ON DELETE CASCADE,
    email            TEXT        NOT NULL,
    email_key        TEXT        NOT NULL,
    old_hash         BYTEA       NOT NULL UNIQUE,  -- of the token sent to the old address
    new_hash         BYTEA       NOT NULL UNIQUE,  -- of the token sent to the new one
    old_confirmed_at TIMESTAMPTZ,
    new_confirmed_at TIMESTAMPTZ,
    expires_at       TIMESTAMPTZ NOT NULL
);
CREATE INDEX address_changes_by_expiry ON address_changes (expires_at);
