-- Links that set a new password, once.
CREATE TABLE reset_links (
  token_hash TEXT   NOT NULL PRIMARY KEY,
  account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  expires_at BIGINT NOT NULL
);
CREATE INDEX reset_links_of_account ON reset_links (account_id);
