-- How the proof of a domain stands: since when it is waited for, what the last look-up found, since when it is
-- missing, since when it no longer lets in anybody new, and when to look again.
ALTER TABLE domains ADD COLUMN vouched_by TEXT NOT NULL DEFAULT '';
ALTER TABLE domains ADD COLUMN waiting_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE domains ADD COLUMN checked_at BIGINT;
ALTER TABLE domains ADD COLUMN finding TEXT NOT NULL DEFAULT ''
  CHECK (finding IN ('', 'present', 'none', 'other', 'taken', 'timed_out', 'failed'));
ALTER TABLE domains ADD COLUMN found BIGINT NOT NULL DEFAULT 0;
ALTER TABLE domains ADD COLUMN confirmed_at BIGINT;
ALTER TABLE domains ADD COLUMN lost_at BIGINT;
ALTER TABLE domains ADD COLUMN lapsed_at BIGINT;
ALTER TABLE domains ADD COLUMN next_check_at BIGINT;

UPDATE domains SET waiting_since = created_at;
UPDATE domains SET next_check_at = created_at WHERE NOT vouched;

CREATE INDEX domains_by_next_check ON domains (next_check_at);
