-- Owners are few: whoever asks whether there is another one reads only those.
CREATE INDEX members_by_role ON members (organization_id, role, state);
