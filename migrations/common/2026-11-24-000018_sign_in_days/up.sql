-- Sign-ins of each day (days since 1970-01-01 UTC) by how they ended and why, counted as they come, so that a
-- picture of a month never reads the records themselves. What was recorded so far is counted once, here.
CREATE TABLE sign_in_days (
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  day             BIGINT NOT NULL,
  outcome         TEXT NOT NULL CHECK (outcome IN ('admitted', 'denied', 'rejected')),
  reason          TEXT NOT NULL,
  attempts        BIGINT NOT NULL,
  PRIMARY KEY (organization_id, day, outcome, reason)
);
INSERT INTO sign_in_days (organization_id, day, outcome, reason, attempts)
  SELECT organization_id, at / 86400000, outcome, reason, COUNT(*)
  FROM sign_ins
  GROUP BY organization_id, at / 86400000, outcome, reason;
DROP TABLE denied_days;
