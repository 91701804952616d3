-- What a SAML 2.0 connection knows of its identity provider.
CREATE TABLE saml_settings (
  connection_id     TEXT PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
  entity_id         TEXT NOT NULL,
  sso_url           TEXT NOT NULL,
  sso_binding       TEXT NOT NULL DEFAULT 'redirect' CHECK (sso_binding IN ('redirect', 'post')),
  sign_requests     BOOLEAN NOT NULL DEFAULT FALSE,
  idp_initiated     BOOLEAN NOT NULL DEFAULT FALSE,
  allow_cbc         BOOLEAN NOT NULL DEFAULT FALSE,
  email_attribute   TEXT NOT NULL DEFAULT '',
  given_attribute   TEXT NOT NULL DEFAULT '',
  family_attribute  TEXT NOT NULL DEFAULT '',
  name_attribute    TEXT NOT NULL DEFAULT '',
  groups_attribute  TEXT NOT NULL DEFAULT '',
  metadata_url      TEXT NOT NULL DEFAULT '',
  -- When the metadata was last fetched, what went wrong then, and what it says that is not confirmed yet (JSON).
  metadata_at       BIGINT,
  metadata_fault    TEXT NOT NULL DEFAULT '',
  metadata_proposal TEXT NOT NULL DEFAULT ''
);

-- The provider's signing certificates: all of these are trusted, and nothing else.
CREATE TABLE saml_certificates (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  fingerprint   TEXT NOT NULL,
  der           TEXT NOT NULL,
  subject       TEXT NOT NULL DEFAULT '',
  not_before    BIGINT NOT NULL,
  not_after     BIGINT NOT NULL,
  added_at      BIGINT NOT NULL,
  PRIMARY KEY (connection_id, fingerprint)
);
CREATE INDEX saml_certificates_by_expiry ON saml_certificates (not_after);

-- Our own keys, for signing requests and for opening encrypted assertions.
CREATE TABLE saml_keys (
  id            TEXT PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  state         TEXT NOT NULL CHECK (state IN ('next', 'current', 'retired')),
  key_sealed    TEXT NOT NULL,
  certificate   TEXT NOT NULL,
  not_after     BIGINT NOT NULL,
  created_at    BIGINT NOT NULL
);
CREATE INDEX saml_keys_by_connection ON saml_keys (connection_id);

-- Assertions that were used, until they could not be used anyway.
CREATE TABLE saml_assertions (
  connection_id  TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  assertion_hash TEXT NOT NULL,
  expires_at     BIGINT NOT NULL,
  PRIMARY KEY (connection_id, assertion_hash)
);
CREATE INDEX saml_assertions_by_expiry ON saml_assertions (expires_at);
