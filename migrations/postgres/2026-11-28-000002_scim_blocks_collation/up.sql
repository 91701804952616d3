-- Keys sort by byte on both databases, whatever the locale of the cluster.
ALTER TABLE scim_blocks ALTER COLUMN first_id TYPE TEXT COLLATE "C";
