-- Money on paper: invoices, what was given back of them, and the ledger. Amounts are minor units
-- of the row's currency. Readers are bare ids, so all of this outlives the account.

-- The last number of each series and year. Taking the next one is the last thing a transaction
-- does: whoever comes next waits for its end, and one that is undone leaves no gap.
CREATE TABLE invoice_numbers (
    series TEXT   NOT NULL CHECK (series IN ('invoice', 'credit_note')),
    year   BIGINT NOT NULL,
    last   BIGINT NOT NULL CHECK (last > 0),
    PRIMARY KEY (series, year)
);

CREATE TABLE invoices (
    id              UUID        PRIMARY KEY,
    reader_id       UUID        NOT NULL,
    subscription_id UUID        NOT NULL,
    status          TEXT        NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'void')),
    number          TEXT        UNIQUE,                 -- `2026-000001`; drafts have none
    currency        TEXT        NOT NULL CHECK (length(currency) = 3),
    net             BIGINT      NOT NULL,               -- the sums of the lines
    tax             BIGINT      NOT NULL,
    total           BIGINT      NOT NULL,
    balance_applied BIGINT      NOT NULL,               -- below 0: what goes to the balance
    credited        BIGINT      NOT NULL,               -- given back since
    period_start    TIMESTAMPTZ NOT NULL,
    period_end      TIMESTAMPTZ NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    issued_at       TIMESTAMPTZ,
    paid_at         TIMESTAMPTZ,
    voided_at       TIMESTAMPTZ,
    charge_id       UUID,                               -- what brought the money
    CHECK (net + tax = total),
    CHECK (balance_applied <= total),
    CHECK (balance_applied >= 0 OR balance_applied = total),
    CHECK (credited = 0 OR (credited > 0 AND credited <= total AND status = 'paid')),
    CHECK ((number IS NULL) = (issued_at IS NULL)),
    CHECK (status = 'void' OR (status = 'draft') = (number IS NULL)),
    CHECK ((status = 'paid') = (paid_at IS NOT NULL)),
    CHECK ((status = 'void') = (voided_at IS NOT NULL)),
    CHECK (CASE WHEN status = 'paid' THEN (charge_id IS NULL) = (total = balance_applied)
                ELSE charge_id IS NULL END)
);
CREATE INDEX invoices_by_reader ON invoices (reader_id, created_at);
CREATE INDEX invoices_by_subscription ON invoices (subscription_id, created_at);

CREATE TABLE invoice_lines (
    invoice_id    UUID        NOT NULL REFERENCES invoices (id),
    position      BIGINT      NOT NULL CHECK (position >= 0),
    description   TEXT        NOT NULL,
    plan          TEXT        NOT NULL,
    period_start  TIMESTAMPTZ NOT NULL,
    period_end    TIMESTAMPTZ NOT NULL,
    net           BIGINT      NOT NULL,
    tax           BIGINT      NOT NULL,
    total         BIGINT      NOT NULL,
    tax_ppm       BIGINT      CHECK (tax_ppm >= 0),     -- parts per million
    tax_inclusive BOOLEAN,
    credits       UUID,                                 -- the earlier invoice it gives back
    PRIMARY KEY (invoice_id, position),
    CHECK (net + tax = total),
    CHECK ((tax_ppm IS NULL) = (tax_inclusive IS NULL)),
    CHECK (credits IS NULL OR total < 0)
);

CREATE TABLE credit_notes (
    id              UUID        PRIMARY KEY,
    number          TEXT        NOT NULL UNIQUE,        -- `C2026-000001`
    invoice_id      UUID        NOT NULL REFERENCES invoices (id),
    reader_id       UUID        NOT NULL,
    subscription_id UUID        NOT NULL,
    currency        TEXT        NOT NULL CHECK (length(currency) = 3),
    net             BIGINT      NOT NULL,
    tax             BIGINT      NOT NULL,
    total           BIGINT      NOT NULL CHECK (total > 0),
    reason          TEXT        NOT NULL,
    goes_to         TEXT        NOT NULL CHECK (goes_to IN ('balance', 'refund')),
    created_at      TIMESTAMPTZ NOT NULL,
    CHECK (net + tax = total)
);
CREATE INDEX credit_notes_by_reader ON credit_notes (reader_id, created_at);

-- Money that goes back the way it came. A pending one may have been asked for already.
CREATE TABLE refunds (
    id              UUID        PRIMARY KEY,
    charge_id       UUID        NOT NULL,
    invoice_id      UUID,                               -- none: it came too late for any
    reader_id       UUID        NOT NULL,
    subscription_id UUID        NOT NULL,
    currency        TEXT        NOT NULL CHECK (length(currency) = 3),
    amount          BIGINT      NOT NULL CHECK (amount > 0),
    status          TEXT        NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    reference       TEXT,                               -- the gateway's
    created_at      TIMESTAMPTZ NOT NULL,
    done_at         TIMESTAMPTZ,
    CHECK ((status = 'pending') = (done_at IS NULL)),
    CHECK ((status = 'succeeded') = (reference IS NOT NULL))
);
CREATE INDEX refunds_by_reader ON refunds (reader_id, created_at);
CREATE INDEX refunds_pending ON refunds (created_at) WHERE status = 'pending';

-- How much of a charge went back, counting what is pending; a row from the first refund on.
CREATE TABLE refunded_charges (
    charge_id UUID   PRIMARY KEY,
    paid      BIGINT NOT NULL,
    refunded  BIGINT NOT NULL,
    CHECK (refunded >= 0 AND refunded <= paid)
);

-- What readers have with us, in each currency: what the ledger's account `balance` comes to, and
-- how much of that waits for an invoice.
CREATE TABLE reader_balances (
    reader_id UUID   NOT NULL,
    currency  TEXT   NOT NULL CHECK (length(currency) = 3),
    amount    BIGINT NOT NULL,
    held      BIGINT NOT NULL,
    PRIMARY KEY (reader_id, currency),
    CHECK (held >= 0 AND held <= amount)
);

-- Double entry: a row is one entry, and its columns are the accounts. Debits are above zero and
-- credits below, so every row comes to zero. Nothing can be booked twice.
CREATE TABLE ledger_entries (
    source_id       UUID        NOT NULL,               -- invoice, charge, credit note or refund
    kind            TEXT        NOT NULL CHECK (kind IN
                    ('issued', 'balance_applied', 'paid', 'voided', 'credited', 'refunded')),
    at              TIMESTAMPTZ NOT NULL,
    reader_id       UUID        NOT NULL,
    subscription_id UUID        NOT NULL,
    invoice_id      UUID,
    currency        TEXT        NOT NULL CHECK (length(currency) = 3),
    cash            BIGINT      NOT NULL,
    receivable      BIGINT      NOT NULL,
    revenue         BIGINT      NOT NULL,
    tax             BIGINT      NOT NULL,
    balance         BIGINT      NOT NULL,
    PRIMARY KEY (source_id, kind),
    CHECK (cash + receivable + revenue + tax + balance = 0),
    CHECK (cash <> 0 OR receivable <> 0 OR revenue <> 0 OR tax <> 0 OR balance <> 0)
);

CREATE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger only grows';
END
$$;
CREATE TRIGGER ledger_only_grows
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows();
