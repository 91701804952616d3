-- SCIM: tokens, what the directory sent, and what was done with it.
CREATE TABLE scim_tokens (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  connection_id   TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  name            TEXT NOT NULL,
  token_hash      TEXT NOT NULL UNIQUE,
  hint            TEXT NOT NULL,
  created_at      BIGINT NOT NULL,
  created_by      TEXT NOT NULL DEFAULT '',
  expires_at      BIGINT,
  last_used_at    BIGINT,
  revoked_at      BIGINT
);
CREATE INDEX scim_tokens_by_connection ON scim_tokens (connection_id);

-- A person as the directory describes them. Without an address there is no account and no member yet.
CREATE TABLE scim_users (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  connection_id   TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  member_id       TEXT REFERENCES members (id) ON DELETE SET NULL,
  user_name       TEXT NOT NULL,
  user_name_key   TEXT NOT NULL,
  external_id     TEXT NOT NULL DEFAULT '',
  display_key     TEXT NOT NULL DEFAULT '',
  email_key       TEXT NOT NULL DEFAULT '',
  active          BOOLEAN NOT NULL DEFAULT TRUE,
  attributes      TEXT NOT NULL DEFAULT '{}',
  adopted         BOOLEAN NOT NULL DEFAULT FALSE,
  created_at      BIGINT NOT NULL,
  modified_at     BIGINT NOT NULL,
  version         BIGINT NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX scim_users_by_name ON scim_users (organization_id, user_name_key);
CREATE UNIQUE INDEX scim_users_by_member ON scim_users (member_id);
CREATE INDEX scim_users_in_order ON scim_users (connection_id, id);
CREATE INDEX scim_users_by_external ON scim_users (connection_id, external_id);
CREATE INDEX scim_users_by_email ON scim_users (connection_id, email_key);
CREATE INDEX scim_users_by_display ON scim_users (connection_id, display_key);
CREATE INDEX scim_users_by_change ON scim_users (connection_id, modified_at, id);

-- Addresses beyond the first one of a person. Few people have any.
CREATE TABLE scim_emails (
  user_id       TEXT NOT NULL REFERENCES scim_users (id) ON DELETE CASCADE,
  connection_id TEXT NOT NULL,
  email_key     TEXT NOT NULL,
  PRIMARY KEY (user_id, email_key)
);
CREATE INDEX scim_emails_by_address ON scim_emails (connection_id, email_key);

-- How many there are, kept beside them: counting takes longer the more there are.
CREATE TABLE scim_counts (
  connection_id TEXT PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
  users         BIGINT NOT NULL DEFAULT 0,
  groups        BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE scim_groups (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  connection_id   TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  display_name    TEXT NOT NULL,
  display_key     TEXT NOT NULL,
  external_id     TEXT NOT NULL DEFAULT '',
  attributes      TEXT NOT NULL DEFAULT '{}',
  created_at      BIGINT NOT NULL,
  modified_at     BIGINT NOT NULL,
  version         BIGINT NOT NULL DEFAULT 1,
  UNIQUE (connection_id, display_key)
);
CREATE INDEX scim_groups_in_order ON scim_groups (connection_id, id);
CREATE INDEX scim_groups_by_external ON scim_groups (connection_id, external_id);

CREATE TABLE scim_group_members (
  group_id TEXT NOT NULL REFERENCES scim_groups (id) ON DELETE CASCADE,
  user_id  TEXT NOT NULL REFERENCES scim_users (id) ON DELETE CASCADE,
  PRIMARY KEY (group_id, user_id)
);
CREATE INDEX scim_group_members_by_user ON scim_group_members (user_id);

-- Requests of the directory, for administrators to read: 30 days, secrets blanked.
CREATE TABLE scim_requests (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  connection_id   TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  token_name      TEXT NOT NULL DEFAULT '',
  at              BIGINT NOT NULL,
  method          TEXT NOT NULL,
  path            TEXT NOT NULL,
  status          BIGINT NOT NULL,
  duration_us     BIGINT NOT NULL,
  person_key      TEXT NOT NULL DEFAULT '',
  decision        TEXT NOT NULL DEFAULT '',
  body            TEXT NOT NULL DEFAULT '',
  answer          TEXT NOT NULL DEFAULT ''
);
CREATE INDEX scim_requests_in_order ON scim_requests (connection_id, id);
CREATE INDEX scim_requests_by_age ON scim_requests (at);

-- The guard against a directory that deactivates too many at once. How many members there are is counted
-- now and then, not at each deactivation.
CREATE TABLE scim_guards (
  connection_id TEXT PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
  share         BIGINT NOT NULL DEFAULT 20 CHECK (share BETWEEN 0 AND 100),
  least         BIGINT NOT NULL DEFAULT 10 CHECK (least >= 1),
  members       BIGINT NOT NULL DEFAULT 0,
  counted_at    BIGINT,
  paused_at     BIGINT,
  resumed_at    BIGINT
);
-- Deactivations of the last hour, by the minute.
CREATE TABLE scim_deactivations (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  minute        BIGINT NOT NULL,
  people        BIGINT NOT NULL,
  PRIMARY KEY (connection_id, minute)
);

-- Groups that a connection's provider was seen to send, in assertions (SCIM groups have their own table).
CREATE TABLE seen_groups (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  name          TEXT NOT NULL,
  first_at      BIGINT NOT NULL,
  last_at       BIGINT NOT NULL,
  PRIMARY KEY (connection_id, name)
);

-- A line of the mapping may give a role; of several the one that stands first. A line that met a group of
-- the directory follows that group, whatever it is called later.
ALTER TABLE group_mappings ADD COLUMN role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'admin'));
ALTER TABLE group_mappings ADD COLUMN position BIGINT NOT NULL DEFAULT 0;
ALTER TABLE group_mappings ADD COLUMN scim_group_id TEXT NOT NULL DEFAULT '';

-- Who gave the role: 'hand', or the connection whose mapping did. A mapping takes away only what it gave.
ALTER TABLE members ADD COLUMN role_given_by TEXT NOT NULL DEFAULT 'hand';

-- Whether groups called "organization:team" are teams.
ALTER TABLE organizations ADD COLUMN group_convention BOOLEAN NOT NULL DEFAULT FALSE;
