-- Whoever was denied may ask to be let in, where the organization allows it.
ALTER TABLE organizations ADD COLUMN requests BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE denials ADD COLUMN asked_at BIGINT;
ALTER TABLE denials ADD COLUMN asked TEXT NOT NULL DEFAULT '';
