-- How many links of an invitation were made on which day (days since 1970-01-01 UTC): an organization makes so many a
-- day, and an address gets so many.
ALTER TABLE invitations ADD COLUMN links_day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE invitations ADD COLUMN links BIGINT NOT NULL DEFAULT 0;
CREATE INDEX invitations_by_links_day ON invitations (organization_id, links_day, links);
