-- Finding readers by what their addresses are made of. Compared byte by byte, so that the start of
-- an address or of a word is a range of an index.
CREATE TABLE reader_search (
    word      TEXT NOT NULL,               -- a part of the address; domains begin with `@`
    reader_id BLOB NOT NULL,
    PRIMARY KEY (word, reader_id)
) STRICT, WITHOUT ROWID;
-- Readers from before this table are written into it step by step.
ALTER TABLE readers ADD COLUMN searchable BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE readers ADD COLUMN last_read_at INTEGER;  -- to the day, more or less: one write a day
CREATE INDEX readers_not_searchable ON readers (id) WHERE NOT searchable AND email_key IS NOT NULL;
CREATE INDEX readers_by_age ON readers (created_at, id) WHERE erased_at IS NULL;
UPDATE readers SET last_read_at =
    (SELECT MAX(s.last_used_at) FROM sessions s WHERE s.realm = 'reader' AND s.subject = readers.id)
WHERE erased_at IS NULL;

-- What is charged next, and when, if all goes as planned.
ALTER TABLE subscriptions ADD COLUMN next_charge_at INTEGER GENERATED ALWAYS AS (
    CASE WHEN method IS NULL THEN NULL
         WHEN status = 'past_due' THEN retry_at
         WHEN then_kind = 'cancel' THEN NULL
         WHEN status = 'trialing' THEN trial_end
         WHEN status = 'active' THEN period_end END) VIRTUAL;

-- One for each way that a list begins, in the order of the list.
CREATE INDEX subscriptions_by_created ON subscriptions (created_at, id);
CREATE INDEX subscriptions_by_status ON subscriptions (status, created_at, id);
CREATE INDEX subscriptions_by_plan ON subscriptions (plan, created_at, id);
CREATE INDEX subscriptions_by_last4 ON subscriptions (method_last4, created_at, id)
    WHERE method_last4 IS NOT NULL;
CREATE INDEX subscriptions_by_end ON subscriptions (ended_at, id) WHERE ended_at IS NOT NULL;
CREATE INDEX subscriptions_by_end_reason ON subscriptions (end_reason, ended_at, id)
    WHERE ended_at IS NOT NULL;
CREATE INDEX subscriptions_by_next_charge ON subscriptions (next_charge_at, id)
    WHERE next_charge_at IS NOT NULL;
CREATE INDEX charges_by_reference ON charges (reference) WHERE reference IS NOT NULL;
CREATE INDEX refunds_by_reference ON refunds (reference) WHERE reference IS NOT NULL;
CREATE INDEX invoices_by_created ON invoices (created_at, id);
CREATE INDEX invoices_by_status ON invoices (status, created_at, id);

-- Filters that a member of staff uses again. They hold nothing that was typed to find somebody.
CREATE TABLE staff_views (
    id         BLOB    PRIMARY KEY,
    staff_id   BLOB    NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    query      TEXT    NOT NULL,           -- as in the address of the list
    created_at INTEGER NOT NULL,
    UNIQUE (staff_id, name)
) STRICT;
