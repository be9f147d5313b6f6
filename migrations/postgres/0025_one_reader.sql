-- What happened to one reader, the latest first, page by page.
DROP INDEX sessions_by_subject;
CREATE INDEX sessions_by_start ON sessions (realm, subject, started_at, id);
CREATE INDEX sessions_by_own_end ON sessions (realm, subject, ended_at, id)
    WHERE ended_at IS NOT NULL;
CREATE INDEX audit_log_by_target_and_time ON audit_log (target_kind, target_id, at, seq);
CREATE INDEX ledger_entries_by_reader ON ledger_entries (reader_id, at);

-- A change of address that staff asked for: the old mailbox need not agree to it, and its token
-- objects instead.
ALTER TABLE address_changes ADD COLUMN by_staff UUID;
