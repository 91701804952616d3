-- Keys sort by byte on both databases, whatever the locale of the cluster.
ALTER TABLE organizations ALTER COLUMN slug TYPE TEXT COLLATE "C";
