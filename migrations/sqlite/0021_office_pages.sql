-- Who is on which version of the catalog, told from the index alone.
CREATE INDEX subscriptions_by_version ON subscriptions (catalog_version, plan)
    WHERE ended_at IS NULL;
