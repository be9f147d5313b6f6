-- The website to which a session was handed over. Its tokens open the access questions of that site
-- only, and nothing of the account.
ALTER TABLE sessions ADD COLUMN site_id TEXT;

-- For earlier ones: as the code says that made it, which is forgotten within the hour; else by the
-- site's name, by which it stands among the reader's devices.
UPDATE sessions SET site_id = COALESCE(
    (SELECT MIN(h.site_id) FROM handovers h WHERE h.made_session = sessions.id),
    (SELECT CASE WHEN COUNT(*) = 1 THEN MIN(s.id) END FROM sites s WHERE s.name = sessions.device))
WHERE handed_from IS NOT NULL;

-- The others open everything, and must not: their readers come back from our pages once more.
UPDATE sessions
SET ended_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000000, end_reason = 'account_changed'
WHERE handed_from IS NOT NULL AND site_id IS NULL AND ended_at IS NULL;
