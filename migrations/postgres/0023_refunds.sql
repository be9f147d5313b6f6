-- Who decided a refund, why the gateway refused it, and what was done about that.
ALTER TABLE refunds ADD COLUMN decided_by UUID;    -- staff; none: the reader, or the service itself
ALTER TABLE refunds ADD COLUMN refusal    TEXT;    -- in the gateway's words
ALTER TABLE refunds ADD COLUMN settled_as TEXT CHECK (settled_as IN ('retried', 'balance'));
ALTER TABLE refunds ADD COLUMN settled_at TIMESTAMPTZ;
CREATE INDEX refunds_refused ON refunds (done_at, id)
    WHERE status = 'failed' AND settled_as IS NULL;

-- Since when something is wrong with a subscription.
ALTER TABLE subscriptions ADD COLUMN trouble_at TIMESTAMPTZ;

-- Refunds that one person alone may not decide.
CREATE TABLE refund_requests (
    id              UUID        PRIMARY KEY,
    subscription_id UUID        NOT NULL,
    reader_id       UUID        NOT NULL,
    invoice_id      UUID        NOT NULL REFERENCES invoices (id),
    currency        TEXT        NOT NULL CHECK (length(currency) = 3),
    amount          BIGINT      NOT NULL CHECK (amount > 0),
    cancels         BOOLEAN     NOT NULL,                        -- whether it ends at once, too
    reason          TEXT        NOT NULL,
    requested_by    UUID        NOT NULL,                        -- staff
    requested_at    TIMESTAMPTZ NOT NULL,
    -- One that waits for too long is over by the clock; it is marked when the next one is made.
    status          TEXT        NOT NULL CHECK (status IN
                    ('waiting', 'approved', 'declined', 'expired')),
    decided_by      UUID,                                        -- staff, and never the same
    decided_at      TIMESTAMPTZ,
    decision        TEXT,                                        -- why
    CHECK ((status IN ('approved', 'declined')) = (decided_by IS NOT NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK ((decided_by IS NULL) = (decision IS NULL)),
    CHECK (decided_by IS NULL OR decided_by <> requested_by)
);
CREATE UNIQUE INDEX refund_requests_waiting ON refund_requests (subscription_id)
    WHERE status = 'waiting';
CREATE INDEX refund_requests_by_time ON refund_requests (requested_at, id);
CREATE INDEX refund_requests_by_reader ON refund_requests (reader_id, requested_at);
