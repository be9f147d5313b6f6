-- Decisions that counted a read or denied one, to answer "why?" for some weeks. Which article it
-- was is kept as a fingerprint only. What is decided again in the same way within minutes has the
-- same code, and so is one row.
CREATE TABLE decisions (
    id          UUID        PRIMARY KEY,               -- sorts by the time of the decision
    code        BIGINT  NOT NULL UNIQUE,           -- what the wall shows, as a number of 60 bits
    site        TEXT    NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    visitor_id  UUID    NOT NULL,
    reader_id   UUID,                              -- who was logged in there
    article     BYTEA   NOT NULL CHECK (length(article) = 16),
    access      TEXT    NOT NULL CHECK (access IN ('metered', 'subscribers')),
    reason      TEXT    NOT NULL,
    pool        TEXT,                              -- where it counts, if a meter was asked
    allowance   BIGINT,                           -- distinct articles the window allowed
    used        BIGINT,                           -- distinct articles counted after it
    resets_at   TIMESTAMPTZ,
    rule        BIGINT,                           -- the place of the rule in the policy, from 0
    rule_text   TEXT,                              -- the rule in words, as it was then
    standing    TEXT,                              -- the reader's subscriptions then; none: ''
    CHECK ((pool IS NULL) = (allowance IS NULL) AND (pool IS NULL) = (used IS NULL)),
    CHECK ((rule IS NULL) = (rule_text IS NULL)),
    CHECK ((reader_id IS NULL) = (standing IS NULL))
);
CREATE INDEX decisions_by_visitor ON decisions (visitor_id, id);
CREATE INDEX decisions_by_reader ON decisions (reader_id, id) WHERE reader_id IS NOT NULL;

-- Minutes in which more was decided than could be written down.
CREATE TABLE decision_gaps (
    minute BIGINT PRIMARY KEY,                    -- since 1970
    lost   BIGINT  NOT NULL CHECK (lost > 0)
);

-- What staff wrote down about a reader.
CREATE TABLE reader_notes (
    id        UUID        PRIMARY KEY,
    reader_id UUID    NOT NULL,
    staff_id  UUID    NOT NULL,                    -- who wrote it
    at        TIMESTAMPTZ NOT NULL,
    text      TEXT    NOT NULL CHECK (text <> '')
);
CREATE INDEX reader_notes_by_reader ON reader_notes (reader_id, id);

-- What staff did to one thing, the last first.
CREATE INDEX audit_log_by_target ON audit_log (target_kind, target_id, seq);
