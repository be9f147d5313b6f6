-- An answered mail proves who has the mailbox, and not who typed the password at sign-up: that takes
-- the proof the sign-up was answered with, of which this is the SHA-256. Sign-ups that wait from before
-- have none, and so their passwords never take effect.
ALTER TABLE mailed_links ADD COLUMN proof_hash BYTEA
    CHECK (proof_hash IS NULL OR purpose = 'sign_up');
