CREATE TABLE denied_days (
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  day             BIGINT NOT NULL,
  attempts        BIGINT NOT NULL,
  PRIMARY KEY (organization_id, day)
);
INSERT INTO denied_days (organization_id, day, attempts)
  SELECT organization_id, day, SUM(attempts) FROM sign_in_days WHERE outcome = 'denied' GROUP BY organization_id, day;
DROP TABLE sign_in_days;
