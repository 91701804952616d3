-- What an account with a password has besides: the seed of an authenticator app, recovery codes, passkeys.
CREATE TABLE totp_seeds (
  account_id   TEXT   NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
  seed_sealed  TEXT   NOT NULL,
  last_step    BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  last_used_at BIGINT
);

CREATE TABLE recovery_codes (
  account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  code_hash  TEXT   NOT NULL,
  used_at    BIGINT,
  PRIMARY KEY (account_id, code_hash)
);

CREATE TABLE passkeys (
  id              TEXT   NOT NULL PRIMARY KEY,
  account_id      TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  credential_id   TEXT   NOT NULL UNIQUE,
  name            TEXT   NOT NULL,
  credential_json TEXT   NOT NULL,
  created_at      BIGINT NOT NULL,
  last_used_at    BIGINT
);
CREATE INDEX passkeys_of_account ON passkeys (account_id);

-- A question that an authenticator is to sign, for one browser and five minutes.
CREATE TABLE ceremonies (
  key_hash   TEXT   NOT NULL PRIMARY KEY,
  purpose    TEXT   NOT NULL CHECK (purpose IN ('add', 'sign_in', 'second', 'still_you')),
  account_id TEXT   REFERENCES accounts (id) ON DELETE CASCADE,
  state_json TEXT   NOT NULL,
  expires_at BIGINT NOT NULL
);

-- Sign-ins whose password was right and whose second factor is still asked for.
CREATE TABLE half_sign_ins (
  key_hash   TEXT   NOT NULL PRIMARY KEY,
  account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  return_to  TEXT   NOT NULL,
  tries      BIGINT NOT NULL DEFAULT 0,
  expires_at BIGINT NOT NULL
);
