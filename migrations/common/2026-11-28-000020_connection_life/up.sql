-- The provider's settings of a connection beside those that hold: a draft that is being tested, and what held before.
CREATE TABLE connection_versions (
  connection_id        TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  kind                 TEXT NOT NULL CHECK (kind IN ('draft', 'previous')),
  settings_json        TEXT NOT NULL,
  client_secret_sealed TEXT NOT NULL DEFAULT '',
  at                   BIGINT NOT NULL,
  by_name              TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (connection_id, kind)
);

-- Sign-ins that changed nothing: what the provider said and what would have become of it. `print` tells which settings
-- were tested.
CREATE TABLE connection_tests (
  id            TEXT PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  kind          TEXT NOT NULL CHECK (kind IN ('live', 'draft')),
  print         TEXT NOT NULL,
  at            BIGINT NOT NULL,
  by_name       TEXT NOT NULL DEFAULT '',
  passed        BOOLEAN NOT NULL,
  finding_json  TEXT NOT NULL
);
CREATE INDEX connection_tests_by_connection ON connection_tests (connection_id, id);

-- Links that let somebody without an account set one connection up, from one browser.
CREATE TABLE connection_links (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  connection_id   TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  name            TEXT NOT NULL,
  token_hash      TEXT NOT NULL UNIQUE,
  browser_hash    TEXT UNIQUE,
  may_switch      BOOLEAN NOT NULL DEFAULT FALSE,
  created_at      BIGINT NOT NULL,
  created_by      TEXT NOT NULL DEFAULT '',
  expires_at      BIGINT NOT NULL,
  begun_at        BIGINT,
  begun_ip        TEXT NOT NULL DEFAULT '',
  seen_at         BIGINT,
  revoked_at      BIGINT
);
CREATE INDEX connection_links_by_connection ON connection_links (connection_id);

-- What a sign-in is a test of (JSON); empty where somebody really comes.
ALTER TABLE attempts ADD COLUMN test TEXT NOT NULL DEFAULT '';
