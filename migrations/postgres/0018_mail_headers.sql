-- Where the list that a mail goes to can be left by one POST, for its List-Unsubscribe header
-- (RFC 8058). It holds a secret, so it is forgotten with the bodies.
ALTER TABLE mail_outbox ADD COLUMN unsubscribe_url TEXT CHECK (unsubscribe_url LIKE 'http%://%');
