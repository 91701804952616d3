-- The sweeper looks for a few of the oldest at a time, in every table.
CREATE INDEX accounts_outside_by_age ON accounts (created_at) WHERE admitted_at IS NULL;
CREATE INDEX ceremonies_by_expiry ON ceremonies (expires_at);
CREATE INDEX half_sign_ins_by_expiry ON half_sign_ins (expires_at);
CREATE INDEX letters_given_up ON letters (settled_at) WHERE state = 'dead' AND body_sealed <> '';
CREATE INDEX password_failures_by_age ON password_failures (last_at);
CREATE INDEX reset_links_by_expiry ON reset_links (expires_at);
CREATE INDEX scim_deactivations_by_age ON scim_deactivations (minute);
CREATE INDEX setup_links_by_expiry ON setup_links (expires_at);

-- Whoever deletes an account looks here for what names it: without an index each time at everything.
CREATE INDEX break_glass_uses_of_account ON break_glass_uses (account_id);
CREATE INDEX ceremonies_of_account ON ceremonies (account_id);
CREATE INDEX half_sign_ins_of_account ON half_sign_ins (account_id);
CREATE INDEX sign_ins_of_account ON sign_ins (account_id);
