-- Entries of the audit log that the person was told whose account they concern, each once.
CREATE TABLE notices_people (
  entry_id TEXT PRIMARY KEY,
  told_at  BIGINT NOT NULL
);
CREATE INDEX notices_people_by_time ON notices_people (told_at);
