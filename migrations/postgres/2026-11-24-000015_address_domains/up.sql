-- The domain of an account's address, so that those of one domain whom nobody has let in yet are found at once.
ALTER TABLE accounts ADD COLUMN email_domain TEXT COLLATE "C"
  GENERATED ALWAYS AS (split_part(email_key, '@', 2)) STORED;
CREATE INDEX accounts_outside_by_domain ON accounts (email_domain, email_key) WHERE admitted_at IS NULL;
CREATE INDEX accounts_by_domain ON accounts (email_domain, email_key);
