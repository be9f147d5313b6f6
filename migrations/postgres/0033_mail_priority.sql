-- The order in which mails are sent: 0 security, 1 transactional, 2 notices, 3 bulk. An older version
-- of the service queues all as transactional.
ALTER TABLE mail_outbox ADD COLUMN priority BIGINT NOT NULL DEFAULT 1
    CHECK (priority BETWEEN 0 AND 3);
CREATE INDEX mail_outbox_by_priority ON mail_outbox (priority, due_at, id, created_at, status)
    WHERE status = 'queued';

-- One row, locked while mails are claimed, so that instances do so one after the other.
CREATE TABLE mail_claims (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    claims BIGINT NOT NULL
);
INSERT INTO mail_claims (id, claims) VALUES (1, 0);
