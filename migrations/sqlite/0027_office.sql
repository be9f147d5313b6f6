-- When a link in a mail was used for the first time: by the page behind it, never by being opened.
ALTER TABLE mail_outbox ADD COLUMN clicked_at INTEGER;
CREATE INDEX mail_outbox_clicked ON mail_outbox (recipient, clicked_at)
    WHERE clicked_at IS NOT NULL;

-- Which mail a link stands in, by the SHA-256 of its token. It goes with the mail.
CREATE TABLE mail_links (
    hash    BLOB PRIMARY KEY,
    mail_id BLOB NOT NULL REFERENCES mail_outbox (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_links_by_mail ON mail_links (mail_id);

-- What was done about a refund that the gateway refused: it was paid in another way, too. A rule of a
-- column goes with the column.
DROP INDEX refunds_refused;
ALTER TABLE refunds ADD COLUMN settled TEXT
    CHECK (settled IN ('retried', 'balance', 'paid_out'));
UPDATE refunds SET settled = settled_as WHERE settled_as IS NOT NULL;
ALTER TABLE refunds DROP COLUMN settled_as;
ALTER TABLE refunds RENAME COLUMN settled TO settled_as;
CREATE INDEX refunds_refused ON refunds (done_at, id)
    WHERE status = 'failed' AND settled_as IS NULL;
