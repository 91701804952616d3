ALTER TABLE denials DROP COLUMN asked;
ALTER TABLE denials DROP COLUMN asked_at;
ALTER TABLE organizations DROP COLUMN requests;
