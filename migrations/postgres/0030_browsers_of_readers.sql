-- The provisional accounts of one browser: looked up before an address is.
CREATE INDEX readers_by_browser ON readers (begun_in) WHERE begun_in IS NOT NULL;
