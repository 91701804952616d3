-- Who takes care of a row of the queue, and what colleagues wrote about it.
ALTER TABLE denials ADD COLUMN assigned_account TEXT NOT NULL DEFAULT '';
ALTER TABLE denials ADD COLUMN assigned_name TEXT NOT NULL DEFAULT '';
CREATE INDEX denials_by_assignment ON denials (organization_id, assigned_account, last_at, id) WHERE assigned_account <> '';

CREATE TABLE denial_notes (
  id         TEXT PRIMARY KEY,
  denial_id  TEXT NOT NULL REFERENCES denials (id) ON DELETE CASCADE,
  at         BIGINT NOT NULL,
  by_account TEXT NOT NULL DEFAULT '',
  by_name    TEXT NOT NULL,
  text       TEXT NOT NULL
);
CREATE INDEX denial_notes_in_order ON denial_notes (denial_id, id);
