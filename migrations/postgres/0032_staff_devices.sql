-- Counts up when the devices that a member of staff has logged in from are forgotten: with another
-- password, another second factor, or a closed account.
ALTER TABLE staff ADD COLUMN device_epoch BIGINT NOT NULL DEFAULT 0;
