-- Readers' subscriptions. What belongs to one state only is there in that state only.
CREATE TABLE subscriptions (
    id              UUID        PRIMARY KEY,
    reader_id       UUID        NOT NULL,
    product         TEXT        NOT NULL,
    plan            TEXT        NOT NULL,
    catalog_version BIGINT      NOT NULL,
    country         TEXT        NOT NULL,   -- ISO 3166-1
    method          TEXT,                   -- the gateway's name for the card
    method_last4    TEXT,
    method_expires  BIGINT,                 -- year x 12 + month - 1, the last it can pay in
    created_at      TIMESTAMPTZ NOT NULL,
    agreed_at       TIMESTAMPTZ NOT NULL,
    trial_start     TIMESTAMPTZ,
    trial_end       TIMESTAMPTZ,
    status          TEXT        NOT NULL CHECK (status IN
                    ('incomplete', 'trialing', 'active', 'past_due', 'paused', 'canceled', 'expired')),
    expires_at      TIMESTAMPTZ,            -- incomplete: from when it is too late
    begins_trial    BOOLEAN,
    anchor          TIMESTAMPTZ,            -- active and past due: the calendar
    period_index    BIGINT,
    period_start    TIMESTAMPTZ,
    period_end      TIMESTAMPTZ,
    paid_amount     BIGINT,                 -- active: for the running period, in minor units
    then_kind       TEXT        CHECK (then_kind IN ('renew', 'cancel', 'switch')),
    then_at         TIMESTAMPTZ,            -- when the end was decided
    then_reason     TEXT,                   -- and by whom
    then_plan       TEXT,                   -- what it goes on with
    then_version    BIGINT,
    failed_at       TIMESTAMPTZ,            -- past due: the first failure
    failed_times    BIGINT,
    failed_reminders BIGINT,
    retry_at        TIMESTAMPTZ,
    grace_until     TIMESTAMPTZ,
    paused_at       TIMESTAMPTZ,
    ended_at        TIMESTAMPTZ,
    end_reason      TEXT,
    open_charge     UUID,                   -- the one whose outcome is not known yet
    open_until      TIMESTAMPTZ,            -- until when the reader may confirm it
    revision        BIGINT      NOT NULL,
    announced       BIGINT NOT NULL DEFAULT 0,  -- the catalog's version whose prices were looked at
    wake_at         TIMESTAMPTZ,            -- when somebody must look at it
    trouble_count   BIGINT      NOT NULL DEFAULT 0,
    trouble         TEXT,                   -- why the last look failed
    CHECK ((trial_start IS NULL) = (trial_end IS NULL)),
    CHECK ((method IS NULL) = (method_last4 IS NULL)),
    CHECK ((method IS NULL) = (method_expires IS NULL)),
    CHECK ((status = 'incomplete') = (expires_at IS NOT NULL)),
    CHECK ((status = 'incomplete') = (begins_trial IS NOT NULL)),
    CHECK (status <> 'trialing' OR trial_end IS NOT NULL),
    CHECK ((status IN ('active', 'past_due')) = (anchor IS NOT NULL)),
    CHECK ((anchor IS NULL) = (period_index IS NULL)),
    CHECK ((anchor IS NULL) = (period_start IS NULL)),
    CHECK ((anchor IS NULL) = (period_end IS NULL)),
    CHECK (period_start < period_end),
    CHECK ((status = 'active') = (paid_amount IS NOT NULL)),
    CHECK ((status IN ('trialing', 'active')) = (then_kind IS NOT NULL)),
    CHECK ((then_kind IS NOT NULL AND then_kind = 'cancel') = (then_at IS NOT NULL)),
    CHECK ((then_at IS NULL) = (then_reason IS NULL)),
    CHECK ((then_kind IS NOT NULL AND then_kind = 'switch') = (then_plan IS NOT NULL)),
    CHECK ((then_plan IS NULL) = (then_version IS NULL)),
    CHECK ((status = 'past_due') = (failed_at IS NOT NULL)),
    CHECK ((failed_at IS NULL) = (failed_times IS NULL)),
    CHECK ((failed_at IS NULL) = (failed_reminders IS NULL)),
    CHECK ((failed_at IS NULL) = (grace_until IS NULL)),
    CHECK (retry_at IS NULL OR failed_at IS NOT NULL),
    CHECK ((status = 'paused') = (paused_at IS NOT NULL)),
    CHECK ((status IN ('canceled', 'expired')) = (ended_at IS NOT NULL)),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK (open_until IS NULL OR open_charge IS NOT NULL)
);
-- At most one that is open for a reader and a product.
CREATE UNIQUE INDEX subscriptions_open ON subscriptions (reader_id, product) WHERE ended_at IS NULL;
CREATE INDEX subscriptions_by_reader ON subscriptions (reader_id, created_at);
CREATE INDEX subscriptions_wake ON subscriptions (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX subscriptions_stuck ON subscriptions (id) WHERE wake_at IS NULL AND trouble IS NOT NULL;

-- Charges: what we are about to ask the gateway for, written down before we ask.
CREATE TABLE charges (
    id              UUID        PRIMARY KEY,
    subscription_id UUID        NOT NULL REFERENCES subscriptions (id),
    reader_id       UUID        NOT NULL,
    purpose         TEXT        NOT NULL CHECK (purpose IN ('start', 'renewal', 'switch', 'unpause')),
    plan            TEXT        NOT NULL,   -- what it buys
    catalog_version BIGINT      NOT NULL,
    anchor          TIMESTAMPTZ NOT NULL,
    period_index    BIGINT      NOT NULL,
    period_start    TIMESTAMPTZ NOT NULL,
    period_end      TIMESTAMPTZ NOT NULL,
    attempt         BIGINT      NOT NULL CHECK (attempt > 0),   -- for this period
    amount          BIGINT      NOT NULL CHECK (amount >= 0),   -- minor units
    credit          BIGINT      NOT NULL CHECK (credit >= 0),   -- given back of the old plan's price
    balance         BIGINT      NOT NULL CHECK (balance >= 0),  -- taken from the account's balance
    currency        TEXT        NOT NULL,
    method          TEXT,                   -- forgotten when the account is erased
    off_session     BOOLEAN     NOT NULL,   -- whether nobody was there to confirm it
    status          TEXT        NOT NULL CHECK (status IN
                    ('pending', 'requires_action', 'succeeded', 'declined', 'canceled')),
    created_at      TIMESTAMPTZ NOT NULL,
    settled_at      TIMESTAMPTZ,
    reference       TEXT,                   -- the gateway's
    failure_code    TEXT,                   -- the gateway's word for a decline
    action_url      TEXT,                   -- where the reader confirms it
    invoice_id      UUID,                   -- what it paid, or is to pay
    CHECK ((status IN ('pending', 'requires_action')) = (settled_at IS NULL)),
    CHECK ((status = 'succeeded') = (reference IS NOT NULL)),
    CHECK ((status = 'declined') = (failure_code IS NOT NULL)),
    CHECK ((status = 'requires_action') = (action_url IS NOT NULL))
);
-- A period of a plan is paid once, and one charge at a time asks for it.
CREATE UNIQUE INDEX charges_once ON charges (subscription_id, period_start, plan)
    WHERE status IN ('pending', 'requires_action', 'succeeded');
CREATE UNIQUE INDEX charges_attempts ON charges (subscription_id, period_start, attempt);
CREATE UNIQUE INDEX charges_open ON charges (subscription_id)
    WHERE status IN ('pending', 'requires_action');
CREATE INDEX charges_by_reader ON charges (reader_id, created_at);

-- Who has had a free trial of what: keyed hashes of an address or a card, kept after all else.
CREATE TABLE trial_claims (
    product         TEXT        NOT NULL,
    claim_hash      BYTEA       NOT NULL,
    subscription_id UUID        NOT NULL,
    claimed_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (product, claim_hash)
);
CREATE INDEX trial_claims_by_subscription ON trial_claims (subscription_id);

-- What the publisher gave away.
CREATE TABLE grants (
    id         UUID        PRIMARY KEY,
    reader_id  UUID        NOT NULL,
    product    TEXT        NOT NULL,
    starts_at  TIMESTAMPTZ NOT NULL,
    ends_at    TIMESTAMPTZ NOT NULL,
    given_by   TEXT        NOT NULL,        -- `staff:<id>`
    reason     TEXT        NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    CHECK (starts_at < ends_at)
);
CREATE INDEX grants_by_reader ON grants (reader_id, ends_at);

-- Everything that happened to subscriptions, in words for programs and people.
CREATE TABLE subscription_events (
    id              UUID        PRIMARY KEY,
    subscription_id UUID        NOT NULL,
    reader_id       UUID        NOT NULL,
    at              TIMESTAMPTZ NOT NULL,
    actor           TEXT        NOT NULL,   -- `reader`, `staff:<id>`, `system`
    kind            TEXT        NOT NULL,
    version         BIGINT      NOT NULL,
    detail          TEXT        NOT NULL    -- JSON
);
CREATE INDEX subscription_events_by_subscription ON subscription_events (subscription_id, id);
CREATE INDEX subscription_events_by_reader ON subscription_events (reader_id, id);

-- The same for those outside, until it has been handed on.
CREATE TABLE event_outbox (
    event_id   UUID        PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    payload    TEXT        NOT NULL         -- JSON
);
CREATE INDEX event_outbox_by_age ON event_outbox (created_at);
