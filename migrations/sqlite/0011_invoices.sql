-- Money on paper: invoices, what was given back of them, and the ledger. Amounts are minor units
-- of the row's currency. Readers are bare ids, so all of this outlives the account.

-- The last number of each series and year. Taking the next one is the last thing a transaction
-- does: whoever comes next waits for its end, and one that is undone leaves no gap.
CREATE TABLE invoice_numbers (
    series TEXT    NOT NULL CHECK (series IN ('invoice', 'credit_note')),
    year   INTEGER NOT NULL,
    last   INTEGER NOT NULL CHECK (last > 0),
    PRIMARY KEY (series, year)
) STRICT, WITHOUT ROWID;

CREATE TABLE invoices (
    id              BLOB        PRIMARY KEY,
    reader_id       BLOB        NOT NULL,
    subscription_id BLOB        NOT NULL,
    status          TEXT        NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'void')),
    number          TEXT        UNIQUE,                 -- `2026-000001`; drafts have none
    currency        TEXT        NOT NULL CHECK (length(currency) = 3),
    net             INTEGER     NOT NULL,               -- the sums of the lines
    tax             INTEGER     NOT NULL,
    total           INTEGER     NOT NULL,
    balance_applied INTEGER     NOT NULL,               -- below 0: what goes to the balance
    credited        INTEGER     NOT NULL,               -- given back since
    period_start    INTEGER     NOT NULL,
    period_end      INTEGER     NOT NULL,
    created_at      INTEGER     NOT NULL,
    issued_at       INTEGER,
    paid_at         INTEGER,
    voided_at       INTEGER,
    charge_id       BLOB,                               -- what brought the money
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
) STRICT;
CREATE INDEX invoices_by_reader ON invoices (reader_id, created_at);
CREATE INDEX invoices_by_subscription ON invoices (subscription_id, created_at);

CREATE TABLE invoice_lines (
    invoice_id    BLOB        NOT NULL REFERENCES invoices (id),
    position      INTEGER     NOT NULL CHECK (position >= 0),
    description   TEXT        NOT NULL,
    plan          TEXT        NOT NULL,
    period_start  INTEGER     NOT NULL,
    period_end    INTEGER     NOT NULL,
    net           INTEGER     NOT NULL,
    tax           INTEGER     NOT NULL,
    total         INTEGER     NOT NULL,
    tax_ppm       INTEGER     CHECK (tax_ppm >= 0),     -- parts per million
    tax_inclusive INTEGER     CHECK (tax_inclusive IN (0, 1)),
    credits       BLOB,                                 -- the earlier invoice it gives back
    PRIMARY KEY (invoice_id, position),
    CHECK (net + tax = total),
    CHECK ((tax_ppm IS NULL) = (tax_inclusive IS NULL)),
    CHECK (credits IS NULL OR total < 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE credit_notes (
    id              BLOB        PRIMARY KEY,
    number          TEXT        NOT NULL UNIQUE,        -- `C2026-000001`
    invoice_id      BLOB        NOT NULL REFERENCES invoices (id),
    reader_id       BLOB        NOT NULL,
    subscription_id BLOB        NOT NULL,
    currency        TEXT        NOT NULL CHECK (length(currency) = 3),
    net             INTEGER     NOT NULL,
    tax             INTEGER     NOT NULL,
    total           INTEGER     NOT NULL CHECK (total > 0),
    reason          TEXT        NOT NULL,
    goes_to         TEXT        NOT NULL CHECK (goes_to IN ('balance', 'refund')),
    created_at      INTEGER     NOT NULL,
    CHECK (net + tax = total)
) STRICT;
CREATE INDEX credit_notes_by_reader ON credit_notes (reader_id, created_at);

-- Money that goes back the way it came. A pending one may have been asked for already.
CREATE TABLE refunds (
    id              BLOB        PRIMARY KEY,
    charge_id       BLOB        NOT NULL,
    invoice_id      BLOB,                               -- none: it came too late for any
    reader_id       BLOB        NOT NULL,
    subscription_id BLOB        NOT NULL,
    currency        TEXT        NOT NULL CHECK (length(currency) = 3),
    amount          INTEGER     NOT NULL CHECK (amount > 0),
    status          TEXT        NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    reference       TEXT,                               -- the gateway's
    created_at      INTEGER     NOT NULL,
    done_at         INTEGER,
    CHECK ((status = 'pending') = (done_at IS NULL)),
    CHECK ((status = 'succeeded') = (reference IS NOT NULL))
) STRICT;
CREATE INDEX refunds_by_reader ON refunds (reader_id, created_at);
CREATE INDEX refunds_pending ON refunds (created_at) WHERE status = 'pending';

-- How much of a charge went back, counting what is pending; a row from the first refund on.
CREATE TABLE refunded_charges (
    charge_id BLOB    PRIMARY KEY,
    paid      INTEGER NOT NULL,
    refunded  INTEGER NOT NULL,
    CHECK (refunded >= 0 AND refunded <= paid)
) STRICT;

-- What readers have with us, in each currency: what the ledger's account `balance` comes to, and
-- how much of that waits for an invoice.
CREATE TABLE reader_balances (
    reader_id BLOB    NOT NULL,
    currency  TEXT    NOT NULL CHECK (length(currency) = 3),
    amount    INTEGER NOT NULL,
    held      INTEGER NOT NULL,
    PRIMARY KEY (reader_id, currency),
    CHECK (held >= 0 AND held <= amount)
) STRICT, WITHOUT ROWID;

-- Double entry: a row is one entry, and its columns are the accounts. Debits are above zero and
-- credits below, so every row comes to zero. Nothing can be booked twice.
CREATE TABLE ledger_entries (
    source_id       BLOB        NOT NULL,               -- invoice, charge, credit note or refund
    kind            TEXT        NOT NULL CHECK (kind IN
                    ('issued', 'balance_applied', 'paid', 'voided', 'credited', 'refunded')),
    at              INTEGER     NOT NULL,
    reader_id       BLOB        NOT NULL,
    subscription_id BLOB        NOT NULL,
    invoice_id      BLOB,
    currency        TEXT        NOT NULL CHECK (length(currency) = 3),
    cash            INTEGER     NOT NULL,
    receivable      INTEGER     NOT NULL,
    revenue         INTEGER     NOT NULL,
    tax             INTEGER     NOT NULL,
    balance         INTEGER     NOT NULL,
    PRIMARY KEY (source_id, kind),
    CHECK (cash + receivable + revenue + tax + balance = 0),
    CHECK (cash <> 0 OR receivable <> 0 OR revenue <> 0 OR tax <> 0 OR balance <> 0)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'the ledger only grows');
END;
CREATE TRIGGER ledger_is_not_deleted BEFORE DELETE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'the ledger only grows');
END;
