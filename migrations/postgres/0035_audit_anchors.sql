-- The last anchor of the audit log in each file of anchors: a file that is gone, or was cut, is
-- missed. Each file holds at least what this table says.
CREATE TABLE audit_anchor_files (
    file TEXT        PRIMARY KEY,               -- as `audit.anchor_file` names it
    seq  BIGINT      NOT NULL CHECK (seq > 0),  -- the entry that was anchored last
    at   TIMESTAMPTZ NOT NULL
);
