-- What an organization wants to be written about. An organization without a row wants what a new row has.
CREATE TABLE mail_settings (
  organization_id TEXT PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
  requests        TEXT NOT NULL DEFAULT 'now' CHECK (requests IN ('now', 'daily', 'never')),
  digest          BOOLEAN NOT NULL DEFAULT TRUE,
  reminder_days   BIGINT NOT NULL DEFAULT 3 CHECK (reminder_days BETWEEN 0 AND 30),
  version         BIGINT NOT NULL DEFAULT 1
);

-- What was told, so that it is told once: a warning, the digest of a day, an entry of the audit log.
CREATE TABLE notices_told (
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  kind            TEXT NOT NULL CHECK (kind IN ('warning', 'digest', 'event')),
  key             TEXT NOT NULL,
  told_at         BIGINT NOT NULL,
  PRIMARY KEY (organization_id, kind, key)
);
CREATE INDEX notices_told_by_time ON notices_told (told_at);

-- How far the audit log was read: one row.
CREATE TABLE notices_read (
  id   TEXT PRIMARY KEY,
  upto TEXT NOT NULL DEFAULT ''
);

-- The end of the invitation that its person was reminded of.
ALTER TABLE invitations ADD COLUMN reminded_of BIGINT;
CREATE INDEX invitations_ending ON invitations (expires_at) WHERE state = 'pending';
