-- Where a page of a directory's people begins: the order of their ids in blocks, each with the id at which it begins
-- and how many people are in it. The first one begins at the empty id.
CREATE TABLE scim_blocks (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  first_id      TEXT NOT NULL,
  users         BIGINT NOT NULL,
  PRIMARY KEY (connection_id, first_id)
);
INSERT INTO scim_blocks (connection_id, first_id, users)
SELECT connection_id, CASE WHEN block = 0 THEN '' ELSE min(id) END, count(*)
FROM (
  SELECT connection_id, id, (row_number() OVER (PARTITION BY connection_id ORDER BY id) - 1) / 500 AS block
  FROM scim_users
) AS numbered
GROUP BY connection_id, block;

-- The blocks know how many people there are.
ALTER TABLE scim_counts DROP COLUMN users;
