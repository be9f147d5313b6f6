-- Somebody asked that newsletters be sent to an address: what they were shown, and whether the
-- mailbox agreed. Those that are not answered in time are forgotten.
CREATE TABLE newsletter_consents (
    id           BLOB        PRIMARY KEY,
    email        TEXT        NOT NULL,         -- as typed
    email_key    TEXT        NOT NULL,         -- the same for every spelling
    lists        TEXT        NOT NULL CHECK (lists <> ''),  -- their ids, with a space between two
    shown        TEXT        NOT NULL CHECK (shown <> ''),  -- to the letter
    language     TEXT        NOT NULL CHECK (language IN ('en', 'fr')),
    way          TEXT        NOT NULL CHECK (way IN ('mail', 'account')),
    asked_at     INTEGER     NOT NULL,
    expires_at   INTEGER     NOT NULL,         -- unanswered: from when it is too late
    confirmed_at INTEGER,
    CHECK (way = 'mail' OR confirmed_at IS NOT NULL)
);
CREATE INDEX newsletter_consents_by_email ON newsletter_consents (email_key);
CREATE INDEX newsletter_consents_pending ON newsletter_consents (expires_at)
    WHERE confirmed_at IS NULL;
CREATE INDEX newsletter_consents_by_age ON newsletter_consents (confirmed_at)
    WHERE confirmed_at IS NOT NULL;

-- Who receives what. No account is needed. Who left stays known for a while, with the consent that
-- was in force until then.
CREATE TABLE newsletter_subscriptions (
    id              BLOB        PRIMARY KEY,
    email           TEXT        NOT NULL,
    email_key       TEXT        NOT NULL,
    list            TEXT        NOT NULL,
    language        TEXT        NOT NULL CHECK (language IN ('en', 'fr')),
    status          TEXT        NOT NULL CHECK (status IN ('confirmed', 'unsubscribed')),
    consent_id      BLOB        NOT NULL REFERENCES newsletter_consents (id),
    confirmed_at    INTEGER     NOT NULL,
    unsubscribed_at INTEGER,
    UNIQUE (email_key, list),
    CHECK ((status = 'unsubscribed') = (unsubscribed_at IS NOT NULL))
);
CREATE INDEX newsletter_subscriptions_by_list ON newsletter_subscriptions (list, email_key)
    WHERE status = 'confirmed';
CREATE INDEX newsletter_subscriptions_by_consent ON newsletter_subscriptions (consent_id);
CREATE INDEX newsletter_subscriptions_left ON newsletter_subscriptions (unsubscribed_at)
    WHERE status = 'unsubscribed';
