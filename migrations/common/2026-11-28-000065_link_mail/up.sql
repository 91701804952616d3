-- Whom a set-up link was mailed to; empty where an owner copied it.
ALTER TABLE connection_links ADD COLUMN email TEXT NOT NULL DEFAULT '';
