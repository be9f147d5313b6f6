-- Mails that are to be sent, in the transaction that is their reason, and those that were sent
-- lately. `dead` ones will not be tried again by themselves.
CREATE TABLE mail_outbox (
    id         UUID        PRIMARY KEY,
    recipient  TEXT        NOT NULL,           -- an address, in the spelling for SMTP
    subject    TEXT        NOT NULL,
    body_text  TEXT        NOT NULL,
    body_html  TEXT        NOT NULL,
    status     TEXT        NOT NULL CHECK (status IN ('queued', 'sent', 'dead')),
    attempts   BIGINT      NOT NULL,
    last_error TEXT,                           -- never holds an address
    created_at TIMESTAMPTZ NOT NULL,
    due_at     TIMESTAMPTZ NOT NULL,           -- while it is being sent: when another may try
    expires_at TIMESTAMPTZ NOT NULL,           -- from when its link is over
    done_at    TIMESTAMPTZ,
    CHECK ((status = 'queued') = (done_at IS NULL))
);
CREATE INDEX mail_outbox_due ON mail_outbox (due_at) WHERE status = 'queued';
CREATE INDEX mail_outbox_done ON mail_outbox (done_at) WHERE status <> 'queued';
CREATE INDEX mail_outbox_by_recipient ON mail_outbox (recipient, created_at);
