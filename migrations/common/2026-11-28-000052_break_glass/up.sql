-- Owners who are named for emergencies, when they came in that way, and when they tried that they still can.
CREATE TABLE break_glass_owners (
  organization_id TEXT   NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  account_id      TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  named_at        BIGINT NOT NULL,
  named_by        TEXT   NOT NULL,
  PRIMARY KEY (organization_id, account_id)
);
CREATE INDEX break_glass_of_account ON break_glass_owners (account_id);

CREATE TABLE break_glass_uses (
  id              TEXT   NOT NULL PRIMARY KEY,
  organization_id TEXT   NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  account_id      TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  name            TEXT   NOT NULL,
  kind            TEXT   NOT NULL CHECK (kind IN ('sign_in', 'drill')),
  at              BIGINT NOT NULL
);
CREATE INDEX break_glass_uses_of_organization ON break_glass_uses (organization_id, kind, at);
