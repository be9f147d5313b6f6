-- What readers' programs asked for under an `Idempotency-Key`, and what was answered, for a day.
CREATE TABLE idempotency_keys (
    reader_id    UUID        NOT NULL,
    key          TEXT        NOT NULL,
    operation    UUID        NOT NULL,     -- what the request is called inside, also when it is taken over
    request_hash BYTEA       NOT NULL,     -- SHA-256 of method, path and body
    leased_until TIMESTAMPTZ NOT NULL,     -- while it is being done: when another may take over
    status       BIGINT,                   -- of the answer, once there is one
    body         BYTEA,
    created_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (reader_id, key),
    CHECK ((status IS NULL) = (body IS NULL))
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
