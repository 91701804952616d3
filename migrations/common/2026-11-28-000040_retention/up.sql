-- For how many days an organization keeps sign-ins, the claims in them, and rows of the denied queue; and up to which
-- record the claims were taken away already. An organization without a row has the defaults.
CREATE TABLE retentions (
  organization_id TEXT PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
  record_days     BIGINT NOT NULL CHECK (record_days BETWEEN 7 AND 3650),
  claim_days      BIGINT NOT NULL CHECK (claim_days BETWEEN 1 AND 3650),
  denial_days     BIGINT NOT NULL CHECK (denial_days BETWEEN 7 AND 3650),
  claims_at       BIGINT NOT NULL DEFAULT 0,
  claims_id       TEXT NOT NULL DEFAULT '',
  version         BIGINT NOT NULL DEFAULT 1
);
-- Rows of the queue that nobody came back to, found by age.
CREATE INDEX denials_by_age ON denials (organization_id, last_at);
