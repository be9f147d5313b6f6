-- Who decided a refund, why the gateway refused it, and what was done about that.
ALTER TABLE refunds ADD COLUMN decided_by BLOB;    -- staff; none: the reader, or the service itself
ALTER TABLE refunds ADD COLUMN refusal    TEXT;    -- in the gateway's words
ALTER TABLE refunds ADD COLUMN settled_as TEXT CHECK (settled_as IN ('retried', 'balance'));
ALTER TABLE refunds ADD COLUMN settled_at INTEGER;
CREATE INDEX refunds_refused ON refunds (done_at, id)
    WHERE status = 'failed' AND settled_as IS NULL;

-- Since when something is wrong with a subscription.
ALTER TABLE subscriptions ADD COLUMN trouble_at INTEGER;

-- Refunds that one person alone may not decide.
CREATE TABLE refund_requests (
    id              BLOB    PRIMARY KEY,
    subscription_id BLOB    NOT NULL,
    reader_id       BLOB    NOT NULL,
    invoice_id      BLOB    NOT NULL REFERENCES invoices (id),
    currency        TEXT    NOT NULL CHECK (length(currency) = 3),
    amount          INTEGER NOT NULL CHECK (amount > 0),
    cancels         INTEGER NOT NULL CHECK (cancels IN (0, 1)),  -- whether it ends at once, too
    reason          TEXT    NOT NULL,
    requested_by    BLOB    NOT NULL,                            -- staff
    requested_at    INTEGER NOT NULL,
    -- One that waits for too long is over by the clock; it is marked when the next one is made.
    status          TEXT    NOT NULL CHECK (status IN
                    ('waiting', 'approved', 'declined', 'expired')),
    decided_by      BLOB,                                        -- staff, and never the same
    decided_at      INTEGER,
    decision        TEXT,                                        -- why
    CHECK ((status IN ('approved', 'declined')) = (decided_by IS NOT NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK ((decided_by IS NULL) = (decision IS NULL)),
    CHECK (decided_by IS NULL OR decided_by <> requested_by)
) STRICT;
CREATE UNIQUE INDEX refund_requests_waiting ON refund_requests (subscription_id)
    WHERE status = 'waiting';
CREATE INDEX refund_requests_by_time ON refund_requests (requested_at, id);
CREATE INDEX refund_requests_by_reader ON refund_requests (reader_id, requested_at);
