-- What readers' programs asked for under an `Idempotency-Key`, and what was answered, for a day.
CREATE TABLE idempotency_keys (
    reader_id    BLOB        NOT NULL,
    key          TEXT        NOT NULL,
    operation    BLOB        NOT NULL,     -- what the request is called inside, also when it is taken over
    request_hash BLOB        NOT NULL,     -- SHA-256 of method, path and body
    leased_until INTEGER     NOT NULL,     -- while it is being done: when another may take over
    status       INTEGER,                   -- of the answer, once there is one
    body         BLOB,
    created_at   INTEGER     NOT NULL,
    PRIMARY KEY (reader_id, key),
    CHECK ((status IS NULL) = (body IS NULL))
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
