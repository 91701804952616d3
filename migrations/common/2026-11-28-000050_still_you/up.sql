-- When and how the person of a session last showed that it is them, and forms that wait meanwhile.
ALTER TABLE sessions ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN strength TEXT NOT NULL DEFAULT ''
  CHECK (strength IN ('', 'password', 'second_factor', 'passkey', 'single_sign_on'));
-- Whether the provider has to ask the person anew.
ALTER TABLE attempts ADD COLUMN anew BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE kept_forms (
  key_hash    TEXT   NOT NULL PRIMARY KEY,
  account_id  TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  path        TEXT   NOT NULL,
  body_sealed TEXT   NOT NULL,
  expires_at  BIGINT NOT NULL
);
CREATE INDEX kept_forms_of_account ON kept_forms (account_id);
