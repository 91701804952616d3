-- The sweeper looks for what has expired.
CREATE INDEX kept_forms_expire ON kept_forms (expires_at);
