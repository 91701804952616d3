-- Whether the account's own password, or its passkey, opens this organization. Whoever came by a provider or a directory
-- comes by single sign-on alone, whatever somebody else's invitation gave their account.
ALTER TABLE members ADD COLUMN by_password BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE members SET by_password = TRUE
 WHERE role = 'owner' OR source = 'setup'
    OR (source = 'invitation' AND NOT EXISTS (
        SELECT 1 FROM identities i JOIN connections c ON c.id = i.connection_id
         WHERE i.account_id = members.account_id AND c.organization_id = members.organization_id));

-- Whether whoever runs the installation made the link: its password opens what the account owns.
ALTER TABLE reset_links ADD COLUMN by_operator BOOLEAN NOT NULL DEFAULT FALSE;
