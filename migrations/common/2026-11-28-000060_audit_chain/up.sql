-- Each entry of the audit log knows its place in a chain and the hash of everything up to it. An entry without a
-- place was written by a program that knew nothing of chains; the next start gives it one.
ALTER TABLE audit_events ADD COLUMN chain TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_events ADD COLUMN seq BIGINT;
ALTER TABLE audit_events ADD COLUMN hash TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX audit_by_place ON audit_events (chain, seq);
CREATE INDEX audit_without_place ON audit_events (id) WHERE seq IS NULL;

-- Where each chain ends, and where it begins since old entries were taken away.
CREATE TABLE audit_heads (
  chain      TEXT PRIMARY KEY,
  seq        BIGINT NOT NULL DEFAULT 0,
  hash       TEXT NOT NULL DEFAULT '',
  first_seq  BIGINT NOT NULL DEFAULT 1,
  first_hash TEXT NOT NULL DEFAULT ''
);
