-- What subscribers had to be told, by when, and what was sent. Rows outlive their subscription and
-- their reader's data: they show that the law was kept.
CREATE TABLE notices (
    subscription_id BLOB        NOT NULL,
    kind            TEXT        NOT NULL CHECK (kind IN (
        'receipt', 'cancellation_receipt', 'trial_ending', 'renewal', 'renewal_deadline',
        'yearly_reminder', 'price_change', 'price_change_reminder', 'card_expiring')),
    about           INTEGER     NOT NULL,      -- the moment that it speaks of
    reader_id       BLOB        NOT NULL,
    jurisdiction    TEXT        NOT NULL,      -- where it is owed
    due_from        INTEGER     NOT NULL,      -- it must not go out before
    due_to          INTEGER     NOT NULL,      -- it must have gone out by then
    planned_for     INTEGER     NOT NULL,
    -- `dropped`: its moment will not come any more. `missed`: so too, but after it was due.
    status          TEXT        NOT NULL CHECK (status IN ('planned', 'sent', 'dropped', 'missed')),
    sent_at         INTEGER,
    template        TEXT,                      -- the text's name and version
    mail_id         BLOB,
    PRIMARY KEY (subscription_id, kind, about),
    CHECK (due_from <= planned_for AND planned_for <= due_to),
    CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
    CHECK ((status = 'sent') = (template IS NOT NULL)),
    CHECK (status = 'sent' OR mail_id IS NULL)
) STRICT;
CREATE INDEX notices_by_reader ON notices (reader_id);
CREATE INDEX notices_planned ON notices (due_to) WHERE status = 'planned';
CREATE INDEX notices_done ON notices (due_to) WHERE status <> 'planned';
CREATE INDEX notices_missed ON notices (due_to)
    WHERE status = 'missed' OR (status = 'sent' AND sent_at > due_to);
