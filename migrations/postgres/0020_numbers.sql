-- What happened, in numbers: written with what happened, and soon folded into days.
-- Money is labelled by its plan when it is folded: from its invoice, or else its subscription.
CREATE TABLE number_facts (
    id       BIGINT      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       TIMESTAMPTZ NOT NULL,
    name     TEXT        NOT NULL,   -- of the figure, `mrr.new`
    label    TEXT        NOT NULL,   -- of what: a plan, a cause, a month, an article
    currency TEXT        NOT NULL,   -- ISO 4217; empty where no money is meant
    value    BIGINT      NOT NULL,
    subscription_id UUID,
    invoice_id      UUID
);

-- The same for each day of the publisher's calendar.
CREATE TABLE number_days (
    name     TEXT        NOT NULL,
    day      TEXT        NOT NULL CHECK (length(day) = 10),   -- `2026-11-24`
    label    TEXT        NOT NULL,
    currency TEXT        NOT NULL,
    value    BIGINT      NOT NULL,
    PRIMARY KEY (name, day, label, currency)
);

-- The page that led its reader to the offer; forgotten with the reader.
ALTER TABLE subscriptions ADD COLUMN led_by TEXT;
