-- When a link in a mail was used for the first time: by the page behind it, never by being opened.
ALTER TABLE mail_outbox ADD COLUMN clicked_at TIMESTAMPTZ;
CREATE INDEX mail_outbox_clicked ON mail_outbox (recipient, clicked_at)
    WHERE clicked_at IS NOT NULL;

-- Which mail a link stands in, by the SHA-256 of its token. It goes with the mail.
CREATE TABLE mail_links (
    hash    BYTEA PRIMARY KEY,
    mail_id UUID NOT NULL REFERENCES mail_outbox (id) ON DELETE CASCADE
);
CREATE INDEX mail_links_by_mail ON mail_links (mail_id);

-- What was done about a refund that the gateway refused: it was paid in another way, too.
ALTER TABLE refunds DROP CONSTRAINT refunds_settled_as_check;
ALTER TABLE refunds ADD CONSTRAINT refunds_settled_as_check
    CHECK (settled_as IN ('retried', 'balance', 'paid_out'));
