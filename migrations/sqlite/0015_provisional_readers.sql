-- A reader may subscribe before the mail to the address was answered. Until it is, the account is
-- provisional: it can read, in the browser that began it, and nothing else. SQLite changes a CHECK
-- only with its table, and what refers to a table goes with it when it is dropped.
CREATE TABLE address_changes_kept AS SELECT * FROM address_changes;
DROP TABLE address_changes;
CREATE TABLE readers_new (
    id                BLOB        PRIMARY KEY,
    email             TEXT,                    -- as typed
    email_key         TEXT        UNIQUE,      -- the same for every spelling
    email_verified_at INTEGER,
    password_hash     TEXT,                    -- a PHC string; none for those who log in by mail
    created_at        INTEGER     NOT NULL,
    erased_at         INTEGER,
    begun_in          BLOB,                    -- the browser that began it, while it is provisional
    language          TEXT,                    -- in which the reader wants to be spoken to
    site              TEXT,                    -- the site on which the account was begun
    CHECK ((erased_at IS NULL) = (email IS NOT NULL)),
    CHECK ((erased_at IS NULL) = (email_key IS NOT NULL)),
    CHECK ((erased_at IS NULL) = (email_verified_at IS NOT NULL OR begun_in IS NOT NULL)),
    CHECK (email_verified_at IS NULL OR begun_in IS NULL),
    CHECK (begun_in IS NULL OR password_hash IS NULL),
    CHECK (erased_at IS NULL OR password_hash IS NULL)
);
INSERT INTO readers_new (id, email, email_key, email_verified_at, password_hash, created_at, erased_at)
    SELECT id, email, email_key, email_verified_at, password_hash, created_at, erased_at FROM readers;
DROP TABLE readers;
ALTER TABLE readers_new RENAME TO readers;
CREATE INDEX readers_provisional ON readers (created_at) WHERE begun_in IS NOT NULL;

-- As before.
CREATE TABLE address_changes (
    reader_id        BLOB        PRIMARY KEY REFERENCES readers (id) ON DELETE CASCADE,
    email            TEXT        NOT NULL,
    email_key        TEXT        NOT NULL,
    old_hash         BLOB        NOT NULL UNIQUE,  -- of the token sent to the old address
    new_hash         BLOB        NOT NULL UNIQUE,  -- of the token sent to the new one
    old_confirmed_at INTEGER,
    new_confirmed_at INTEGER,
    expires_at       INTEGER     NOT NULL
);
INSERT INTO address_changes SELECT * FROM address_changes_kept;
DROP TABLE address_changes_kept;
CREATE INDEX address_changes_by_expiry ON address_changes (expires_at);

-- A session that opens articles, and no account.
ALTER TABLE sessions ADD COLUMN reads_only INTEGER NOT NULL DEFAULT FALSE;

-- What a reader agreed to: the words that stood beside the button.
CREATE TABLE consents (
    id              BLOB        PRIMARY KEY,
    subscription_id BLOB        NOT NULL,
    reader_id       BLOB        NOT NULL,
    plan_id         TEXT        NOT NULL,
    catalog_version INTEGER     NOT NULL,
    language        TEXT        NOT NULL,
    shown           TEXT        NOT NULL,
    sha256          BLOB        NOT NULL,      -- of `shown`
    agreed_at       INTEGER     NOT NULL
);
CREATE INDEX consents_by_reader ON consents (reader_id, agreed_at);
