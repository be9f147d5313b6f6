-- What staff did under a name that a form or a request gave it: sent twice, it is done once. For two
-- days.
CREATE TABLE staff_operations (
    id     UUID PRIMARY KEY,
    target UUID NOT NULL,      -- the subscription that it was done to
    action TEXT NOT NULL,      -- as in the audit log
    at     TIMESTAMPTZ NOT NULL
);
CREATE INDEX staff_operations_by_age ON staff_operations (at);

-- What was given away can be taken back before it ends.
ALTER TABLE grants ADD COLUMN revoked_at TIMESTAMPTZ;
ALTER TABLE grants ADD COLUMN revoked_by TEXT       -- as `given_by`
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL));
ALTER TABLE grants ADD COLUMN revoke_reason TEXT
    CHECK ((revoke_reason IS NULL) = (revoked_at IS NULL));
CREATE INDEX grants_by_age ON grants (created_at, id);

-- A gift to an address that has no account, until it is accepted, taken back or over. Then it is
-- deleted: what was accepted is a grant, and nobody keeps an address that wanted nothing.
CREATE TABLE waiting_gifts (
    id         UUID PRIMARY KEY,
    hash       BYTEA NOT NULL UNIQUE,     -- SHA-256 of the token in the mail
    email      TEXT NOT NULL,              -- as typed
    email_key  TEXT NOT NULL UNIQUE,       -- one at a time waits for an address
    language   TEXT NOT NULL,
    product    TEXT NOT NULL,
    days       BIGINT NOT NULL CHECK (days > 0),
    given_by   TEXT NOT NULL,              -- `staff:<id>` or `command`
    reason     TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX waiting_gifts_by_end ON waiting_gifts (expires_at);
