-- How often something was tried: for each subject of a limit one instant, when nothing will be owed
-- any more. Microseconds since 1970 as a number, so that one statement counts on both databases.
CREATE TABLE limits (
    key     BYTEA  PRIMARY KEY CHECK (length(key) = 32),   -- a hash: addresses are not kept here
    arrival BIGINT NOT NULL
);
CREATE INDEX limits_by_arrival ON limits (arrival);
