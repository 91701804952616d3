-- Switches of a connection that are made at a set time, and those that are looked at for an hour and made back where too
-- many people are denied. `named` holds a hash of each address that the page named as kept out, while that is needed.
CREATE TABLE planned_switches (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  connection_id   TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  switch          TEXT NOT NULL CHECK (switch IN ('jit', 'scim')),
  to_on           BOOLEAN NOT NULL,
  at              BIGINT NOT NULL,
  most_denied     BIGINT CHECK (most_denied >= 0),
  days            BIGINT NOT NULL,
  named           TEXT NOT NULL DEFAULT '',
  state           TEXT NOT NULL CHECK (state IN ('waiting', 'watched', 'done', 'refused', 'back', 'cancelled')),
  made_by         TEXT NOT NULL DEFAULT '',
  made_by_name    TEXT NOT NULL DEFAULT '',
  made_at         BIGINT NOT NULL,
  ended_at        BIGINT,
  told            TEXT NOT NULL DEFAULT ''
);
CREATE INDEX planned_switches_by_connection ON planned_switches (connection_id, made_at);
CREATE INDEX planned_switches_by_organization ON planned_switches (organization_id);
CREATE INDEX planned_switches_due ON planned_switches (at) WHERE state IN ('waiting', 'watched');
CREATE UNIQUE INDEX planned_switches_one ON planned_switches (connection_id, switch) WHERE state IN ('waiting', 'watched');
