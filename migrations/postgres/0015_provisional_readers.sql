-- A reader may subscribe before the mail to the address was answered. Until it is, the account is
-- provisional: it can read, in the browser that began it, and nothing else.
ALTER TABLE readers
    ADD COLUMN begun_in BYTEA,                 -- the browser that began it, while it is provisional
    ADD COLUMN language TEXT,                  -- in which the reader wants to be spoken to
    ADD COLUMN site     TEXT,                  -- the site on which the account was begun
    DROP CONSTRAINT readers_check2,
    ADD CONSTRAINT readers_verified_or_begun
        CHECK ((erased_at IS NULL) = (email_verified_at IS NOT NULL OR begun_in IS NOT NULL)),
    ADD CONSTRAINT readers_begun_until_verified
        CHECK (email_verified_at IS NULL OR begun_in IS NULL),
    ADD CONSTRAINT readers_provisional_without_password
        CHECK (begun_in IS NULL OR password_hash IS NULL);
CREATE INDEX readers_provisional ON readers (created_at) WHERE begun_in IS NOT NULL;

-- A session that opens articles, and no account.
ALTER TABLE sessions ADD COLUMN reads_only BOOLEAN NOT NULL DEFAULT FALSE;

-- What a reader agreed to: the words that stood beside the button.
CREATE TABLE consents (
    id              UUID        PRIMARY KEY,
    subscription_id UUID        NOT NULL,
    reader_id       UUID        NOT NULL,
    plan_id         TEXT        NOT NULL,
    catalog_version BIGINT      NOT NULL,
    language        TEXT        NOT NULL,
    shown           TEXT        NOT NULL,
    sha256          BYTEA       NOT NULL,      -- of `shown`
    agreed_at       TIMESTAMPTZ NOT NULL
);
CREATE INDEX consents_by_reader ON consents (reader_id, agreed_at);
