-- Notices of cancellation that were received without a login (§ 312k BGB), from their receipt until they
-- took effect; then the row is deleted. Receiving one costs the same whether the address subscribes.
CREATE TABLE cancellation_notices (
    id          UUID    PRIMARY KEY,
    reader_id   UUID,                   -- who had the address at the receipt
    email       TEXT    NOT NULL,       -- as typed
    email_key   TEXT    NOT NULL,
    language    TEXT    NOT NULL,       -- of the page, for an address that no reader has
    time_zone   TEXT    NOT NULL,
    comment     TEXT,
    may_reply   BOOLEAN NOT NULL,       -- whether the limits allow to mail that nothing was left
    received_at TIMESTAMPTZ NOT NULL,   -- the legal moment of the cancellation
    due_at      TIMESTAMPTZ NOT NULL,
    attempts    BIGINT  NOT NULL DEFAULT 0,
    last_error  TEXT
);
CREATE INDEX cancellation_notices_due ON cancellation_notices (due_at, id);
CREATE INDEX cancellation_notices_by_reader ON cancellation_notices (reader_id);
