-- Every table once, in SQL that SQLite and PostgreSQL both read. Times are Unix milliseconds.
-- Columns called *_key hold a folded form to search, sort and compare by.

CREATE TABLE organizations (
  id              TEXT PRIMARY KEY,
  slug            TEXT NOT NULL UNIQUE,
  name            TEXT NOT NULL,
  contact         TEXT NOT NULL DEFAULT '',
  seats           BIGINT CHECK (seats IS NULL OR seats >= 0),
  invitation_days BIGINT NOT NULL DEFAULT 14 CHECK (invitation_days BETWEEN 1 AND 365),
  guests          BOOLEAN NOT NULL DEFAULT FALSE,
  session_hours   BIGINT NOT NULL DEFAULT 12 CHECK (session_hours BETWEEN 1 AND 720),
  idle_minutes    BIGINT NOT NULL DEFAULT 120 CHECK (idle_minutes BETWEEN 5 AND 43200),
  state           TEXT NOT NULL DEFAULT 'on' CHECK (state IN ('on', 'off')),
  created_at      BIGINT NOT NULL,
  version         BIGINT NOT NULL DEFAULT 1
);

CREATE TABLE accounts (
  id            TEXT PRIMARY KEY,
  email         TEXT NOT NULL,
  email_key     TEXT NOT NULL UNIQUE,
  full_name     TEXT NOT NULL DEFAULT '',
  name_key      TEXT NOT NULL DEFAULT '',
  username      TEXT NOT NULL UNIQUE,
  state         TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deactivated')),
  operator      BOOLEAN NOT NULL DEFAULT FALSE,
  password_hash TEXT,
  admitted_at   BIGINT,
  created_at    BIGINT NOT NULL,
  version       BIGINT NOT NULL DEFAULT 1
);

-- A released username is not given out again.
CREATE TABLE retired_usernames (
  username   TEXT PRIMARY KEY,
  retired_at BIGINT NOT NULL
);

CREATE TABLE domains (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name            TEXT NOT NULL,
  token           TEXT NOT NULL,
  verified        BOOLEAN NOT NULL DEFAULT FALSE,
  vouched         BOOLEAN NOT NULL DEFAULT FALSE,
  verified_at     BIGINT,
  created_at      BIGINT NOT NULL,
  UNIQUE (organization_id, name)
);
-- Verified by at most one organization.
CREATE UNIQUE INDEX domains_verified_once ON domains (name) WHERE verified;

CREATE TABLE teams (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  name            TEXT NOT NULL,
  name_key        TEXT NOT NULL,
  created_at      BIGINT NOT NULL,
  version         BIGINT NOT NULL DEFAULT 1,
  UNIQUE (organization_id, name_key)
);

CREATE TABLE connections (
  id                   TEXT PRIMARY KEY,
  organization_id      TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  slug                 TEXT NOT NULL,
  name                 TEXT NOT NULL,
  protocol             TEXT NOT NULL CHECK (protocol IN ('oidc', 'saml')),
  state                TEXT NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'on', 'off')),
  jit                  BOOLEAN NOT NULL DEFAULT TRUE,
  scim                 BOOLEAN NOT NULL DEFAULT FALSE,
  enforce              BOOLEAN NOT NULL DEFAULT FALSE,
  default_role         TEXT NOT NULL DEFAULT 'member' CHECK (default_role IN ('member', 'admin')),
  default_team_id      TEXT REFERENCES teams (id) ON DELETE SET NULL,
  issuer               TEXT NOT NULL DEFAULT '',
  client_id            TEXT NOT NULL DEFAULT '',
  client_secret_sealed TEXT NOT NULL DEFAULT '',
  scopes               TEXT NOT NULL DEFAULT 'openid email profile',
  groups_claim         TEXT NOT NULL DEFAULT 'groups',
  jit_changed_at       BIGINT,
  jit_changed_by       TEXT NOT NULL DEFAULT '',
  created_at           BIGINT NOT NULL,
  version              BIGINT NOT NULL DEFAULT 1,
  UNIQUE (organization_id, slug)
);

CREATE TABLE connection_domains (
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  domain_id     TEXT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
  PRIMARY KEY (connection_id, domain_id)
);
CREATE INDEX connection_domains_by_domain ON connection_domains (domain_id);

CREATE TABLE group_mappings (
  id            TEXT PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  group_name    TEXT NOT NULL,
  team_id       TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  UNIQUE (connection_id, group_name, team_id)
);

-- One identity is linked to one account.
CREATE TABLE identities (
  id            TEXT PRIMARY KEY,
  connection_id TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  issuer        TEXT NOT NULL,
  subject       TEXT NOT NULL,
  account_id    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  linked_at     BIGINT NOT NULL,
  UNIQUE (connection_id, issuer, subject)
);
CREATE INDEX identities_by_account ON identities (account_id);

-- One membership per person and organization, whatever its state: removed stays removed.
CREATE TABLE members (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  account_id      TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  role            TEXT NOT NULL CHECK (role IN ('member', 'admin', 'owner')),
  state           TEXT NOT NULL CHECK (state IN ('active', 'deactivated', 'removed')),
  source          TEXT NOT NULL CHECK (source IN ('setup', 'invitation', 'jit', 'scim')),
  invited_by      TEXT NOT NULL DEFAULT '',
  joined_at       BIGINT NOT NULL,
  state_changed_at BIGINT NOT NULL,
  last_sign_in_at BIGINT,
  version         BIGINT NOT NULL DEFAULT 1,
  UNIQUE (organization_id, account_id)
);
CREATE INDEX members_by_account ON members (account_id);
CREATE INDEX members_by_state ON members (organization_id, state);

-- Team membership knows its source. A person is in a team while any row says so.
CREATE TABLE team_members (
  team_id       TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  member_id     TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  source        TEXT NOT NULL CHECK (source IN ('hand', 'invitation', 'default', 'mapping', 'scim')),
  connection_id TEXT NOT NULL DEFAULT '',
  since         BIGINT NOT NULL,
  PRIMARY KEY (team_id, member_id, source, connection_id)
);
CREATE INDEX team_members_by_member ON team_members (member_id);

CREATE TABLE invitations (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  email           TEXT NOT NULL,
  email_key       TEXT NOT NULL,
  role            TEXT NOT NULL CHECK (role IN ('member', 'admin', 'owner')),
  state           TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'revoked', 'declined', 'closed')),
  token_hash      TEXT NOT NULL UNIQUE,
  expires_at      BIGINT NOT NULL,
  invited_by      TEXT NOT NULL DEFAULT '',
  invited_by_name TEXT NOT NULL DEFAULT '',
  created_at      BIGINT NOT NULL,
  sent_at         BIGINT NOT NULL,
  settled_at      BIGINT,
  member_id       TEXT REFERENCES members (id) ON DELETE SET NULL,
  version         BIGINT NOT NULL DEFAULT 1
);
-- One standing offer per address and organization.
CREATE UNIQUE INDEX invitations_pending_once ON invitations (organization_id, email_key) WHERE state = 'pending';
CREATE INDEX invitations_by_address ON invitations (organization_id, email_key);
CREATE INDEX invitations_by_time ON invitations (organization_id, created_at);

CREATE TABLE invitation_teams (
  invitation_id TEXT NOT NULL REFERENCES invitations (id) ON DELETE CASCADE,
  team_id       TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  PRIMARY KEY (invitation_id, team_id)
);

-- One attempt to sign in: bound to a connection and a browser, used once.
CREATE TABLE attempts (
  id              TEXT PRIMARY KEY,
  state_hash      TEXT NOT NULL UNIQUE,
  connection_id   TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  browser_hash    TEXT NOT NULL,
  nonce           TEXT NOT NULL,
  verifier        TEXT NOT NULL,
  return_to       TEXT NOT NULL DEFAULT '',
  invitation_hash TEXT NOT NULL DEFAULT '',
  created_at      BIGINT NOT NULL,
  expires_at      BIGINT NOT NULL,
  used_at         BIGINT
);
CREATE INDEX attempts_by_expiry ON attempts (expires_at);

-- Sessions live on the server; the key is stored as its SHA-256.
CREATE TABLE sessions (
  key_hash        TEXT PRIMARY KEY,
  id              TEXT NOT NULL UNIQUE,
  account_id      TEXT REFERENCES accounts (id) ON DELETE CASCADE,
  organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,
  connection_id   TEXT REFERENCES connections (id) ON DELETE CASCADE,
  state           TEXT NOT NULL,
  ip              TEXT NOT NULL DEFAULT '',
  user_agent      TEXT NOT NULL DEFAULT '',
  created_at      BIGINT NOT NULL,
  last_seen_at    BIGINT NOT NULL,
  idle_ms         BIGINT NOT NULL,
  expires_at      BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Exactly one record for each attempt that ended: admitted, denied or rejected.
CREATE TABLE sign_ins (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  connection_id   TEXT REFERENCES connections (id) ON DELETE SET NULL,
  connection_name TEXT NOT NULL DEFAULT '',
  protocol        TEXT NOT NULL CHECK (protocol IN ('oidc', 'saml', 'password')),
  at              BIGINT NOT NULL,
  outcome         TEXT NOT NULL CHECK (outcome IN ('admitted', 'denied', 'rejected')),
  reason          TEXT NOT NULL,
  detail          TEXT NOT NULL DEFAULT '',
  reference       TEXT NOT NULL UNIQUE,
  person_key      TEXT NOT NULL DEFAULT '',
  account_id      TEXT REFERENCES accounts (id) ON DELETE SET NULL,
  denial_id       TEXT,
  issuer          TEXT NOT NULL DEFAULT '',
  subject         TEXT NOT NULL DEFAULT '',
  email           TEXT NOT NULL DEFAULT '',
  email_verified  BOOLEAN,
  name            TEXT NOT NULL DEFAULT '',
  groups_json     TEXT NOT NULL DEFAULT '',
  trace_json      TEXT NOT NULL DEFAULT '[]',
  evidence_json   TEXT NOT NULL DEFAULT '{}',
  ip              TEXT NOT NULL DEFAULT '',
  user_agent      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX sign_ins_by_time ON sign_ins (organization_id, at, id);
CREATE INDEX sign_ins_by_outcome ON sign_ins (organization_id, outcome, at, id);
CREATE INDEX sign_ins_by_person ON sign_ins (organization_id, person_key, id);
CREATE INDEX sign_ins_by_denial ON sign_ins (denial_id);

-- The administrator's queue: one row per person who was denied.
CREATE TABLE denials (
  id              TEXT PRIMARY KEY,
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  person_key      TEXT NOT NULL,
  email           TEXT NOT NULL DEFAULT '',
  email_key       TEXT NOT NULL DEFAULT '',
  domain          TEXT NOT NULL DEFAULT '',
  name            TEXT NOT NULL DEFAULT '',
  search_key      TEXT NOT NULL DEFAULT '',
  connection_id   TEXT REFERENCES connections (id) ON DELETE SET NULL,
  reason          TEXT NOT NULL,
  detail          TEXT NOT NULL DEFAULT '',
  state           TEXT NOT NULL CHECK (state IN ('open', 'invited', 'dismissed', 'settled')),
  note            TEXT NOT NULL DEFAULT '',
  attempts        BIGINT NOT NULL DEFAULT 1,
  first_at        BIGINT NOT NULL,
  last_at         BIGINT NOT NULL,
  last_sign_in_id TEXT NOT NULL,
  reference       TEXT NOT NULL,
  invitation_id   TEXT REFERENCES invitations (id) ON DELETE SET NULL,
  settled_by      TEXT NOT NULL DEFAULT '',
  state_at        BIGINT NOT NULL,
  state_by        TEXT NOT NULL DEFAULT '',
  version         BIGINT NOT NULL DEFAULT 1,
  UNIQUE (organization_id, person_key)
);
-- The list is read in the order of these. What it can be filtered by stands behind, so that rows that
-- don't match are passed over without being fetched.
CREATE INDEX denials_newest ON denials (organization_id, last_at, id, state, reason, domain, connection_id, search_key);
CREATE INDEX denials_by_state ON denials (organization_id, state, last_at, id, reason, domain, connection_id, search_key);
CREATE INDEX denials_by_address ON denials (organization_id, email_key);

-- Denied attempts of each day (days since 1970-01-01 UTC), counted as they come.
CREATE TABLE denied_days (
  organization_id TEXT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  day             BIGINT NOT NULL,
  attempts        BIGINT NOT NULL,
  PRIMARY KEY (organization_id, day)
);

CREATE TABLE audit_events (
  id              TEXT PRIMARY KEY,
  organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,
  at              BIGINT NOT NULL,
  actor_kind      TEXT NOT NULL CHECK (actor_kind IN ('person', 'system', 'operator', 'scim')),
  actor_id        TEXT NOT NULL DEFAULT '',
  actor_name      TEXT NOT NULL DEFAULT '',
  actor_key       TEXT NOT NULL DEFAULT '',
  action          TEXT NOT NULL,
  subject_kind    TEXT NOT NULL DEFAULT '',
  subject_id      TEXT NOT NULL DEFAULT '',
  subject_name    TEXT NOT NULL DEFAULT '',
  subject_key     TEXT NOT NULL DEFAULT '',
  ip              TEXT NOT NULL DEFAULT '',
  before_json     TEXT NOT NULL DEFAULT '',
  after_json      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_by_time ON audit_events (organization_id, id, at, action);

-- One-time links by which an empty installation gets its first owner.
CREATE TABLE setup_links (
  token_hash TEXT PRIMARY KEY,
  expires_at BIGINT NOT NULL,
  used_at    BIGINT
);

-- Failed passwords by address and network address: slows guessing down without locking the person out.
CREATE TABLE password_failures (
  key      TEXT PRIMARY KEY,
  failures BIGINT NOT NULL,
  last_at  BIGINT NOT NULL
);
