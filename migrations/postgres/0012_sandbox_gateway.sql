-- The sandbox's payment gateway: its own book, which the service never reads but by asking the
-- gateway, so that the two can be held against each other.

-- Every charge that it took or declined. An order may stand here twice: then it was charged twice,
-- and whoever compares the books sees it.
CREATE TABLE sandbox_charges (
    seq        BIGINT      PRIMARY KEY,
    order_id   UUID        NOT NULL,
    customer   UUID        NOT NULL,
    method     TEXT        NOT NULL,
    kind       TEXT        NOT NULL CHECK (kind IN ('charge', 'setup')),
    amount     BIGINT      NOT NULL CHECK (amount >= 0),
    currency   TEXT        NOT NULL,
    status     TEXT        NOT NULL CHECK (status IN ('succeeded', 'declined', 'waiting', 'canceled')),
    code       TEXT,                       -- of a decline
    hard       BOOLEAN,
    refunded   BIGINT      NOT NULL DEFAULT 0,
    idempotency_key TEXT   NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    CHECK ((status = 'declined') = (code IS NOT NULL)),
    CHECK ((code IS NULL) = (hard IS NULL)),
    CHECK (refunded >= 0 AND refunded <= amount)
);
CREATE INDEX sandbox_charges_by_order ON sandbox_charges (order_id);
CREATE INDEX sandbox_charges_by_customer ON sandbox_charges (customer, method);

-- The keys of the last 24 hours; after that a key is unknown, an order never.
CREATE TABLE sandbox_keys (
    idempotency_key TEXT        PRIMARY KEY,
    seq             BIGINT      NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL
);
CREATE INDEX sandbox_keys_by_age ON sandbox_keys (created_at);

CREATE TABLE sandbox_refunds (
    id        UUID        PRIMARY KEY,
    order_id  UUID        NOT NULL,
    amount    BIGINT      NOT NULL CHECK (amount > 0),
    at        TIMESTAMPTZ NOT NULL
);

-- One row: whoever writes the book takes it first, and so they take turns.
CREATE TABLE sandbox_book (
    id  BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO sandbox_book (id, seq) VALUES (1, 0);
