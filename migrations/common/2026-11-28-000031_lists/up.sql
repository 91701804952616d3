-- Lists are read in the order of an index, whatever they are filtered by.
DROP INDEX invitations_by_time;
CREATE INDEX invitations_by_time ON invitations (organization_id, created_at, id);
CREATE INDEX invitations_by_state ON invitations (organization_id, state, created_at, id);
CREATE INDEX invitations_by_expiry ON invitations (organization_id, state, expires_at, id);
CREATE INDEX sign_ins_by_connection ON sign_ins (organization_id, connection_id, at, id);

-- How many there are, kept by triggers beside what is counted: counting takes longer the more there are.
CREATE TABLE member_counts (
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  facet           TEXT NOT NULL,
  people          BIGINT NOT NULL,
  PRIMARY KEY (organization_id, facet)
);
-- Those that wait by the hour (since 1970-01-01 UTC) in which they expire; the others with hour 0.
CREATE TABLE invitation_counts (
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  state           TEXT NOT NULL,
  hour            BIGINT NOT NULL,
  invitations     BIGINT NOT NULL,
  PRIMARY KEY (organization_id, state, hour)
);
ALTER TABLE teams ADD COLUMN people BIGINT NOT NULL DEFAULT 0;

-- What members are listed by: whether a directory knows them, and the account's folded name, both kept by triggers.
ALTER TABLE members ADD COLUMN managed BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE members ADD COLUMN name_key TEXT NOT NULL DEFAULT '';

-- What accounts are found by: the words of their names, addresses and usernames, folded.
CREATE TABLE account_words (
  account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  word       TEXT NOT NULL,
  PRIMARY KEY (account_id, word)
);
