-- Keys sort by byte on both databases, whatever the locale of the cluster.
ALTER TABLE scim_users ALTER COLUMN id TYPE TEXT COLLATE "C";
ALTER TABLE scim_users ALTER COLUMN user_name_key TYPE TEXT COLLATE "C";
ALTER TABLE scim_users ALTER COLUMN display_key TYPE TEXT COLLATE "C";
ALTER TABLE scim_users ALTER COLUMN email_key TYPE TEXT COLLATE "C";
ALTER TABLE scim_users ALTER COLUMN external_id TYPE TEXT COLLATE "C";
ALTER TABLE scim_emails ALTER COLUMN user_id TYPE TEXT COLLATE "C";
ALTER TABLE scim_emails ALTER COLUMN email_key TYPE TEXT COLLATE "C";
ALTER TABLE scim_groups ALTER COLUMN id TYPE TEXT COLLATE "C";
ALTER TABLE scim_groups ALTER COLUMN display_key TYPE TEXT COLLATE "C";
ALTER TABLE scim_groups ALTER COLUMN external_id TYPE TEXT COLLATE "C";
ALTER TABLE scim_group_members ALTER COLUMN group_id TYPE TEXT COLLATE "C";
ALTER TABLE scim_group_members ALTER COLUMN user_id TYPE TEXT COLLATE "C";
ALTER TABLE scim_requests ALTER COLUMN id TYPE TEXT COLLATE "C";
