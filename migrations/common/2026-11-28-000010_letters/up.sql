-- The outbox: letters that wait to be sent, and what became of each. The body is sealed, for it may carry a link
-- that lets somebody in, and is blanked as soon as nobody needs it any more. A letter is claimed by whoever sends
-- it, for a short time, so that of several servers one does.
CREATE TABLE letters (
  id              TEXT PRIMARY KEY,
  organization_id TEXT REFERENCES organizations (id) ON DELETE CASCADE,
  kind            TEXT NOT NULL,
  recipient       TEXT NOT NULL,
  from_name       TEXT NOT NULL DEFAULT '',
  subject         TEXT NOT NULL,
  about_kind      TEXT NOT NULL DEFAULT '',
  about_id        TEXT NOT NULL DEFAULT '',
  message_id      TEXT NOT NULL UNIQUE,
  body_sealed     TEXT NOT NULL DEFAULT '',
  state           TEXT NOT NULL DEFAULT 'waiting'
                  CHECK (state IN ('waiting', 'retrying', 'sent', 'dead', 'withdrawn')),
  attempts        BIGINT NOT NULL DEFAULT 0,
  reason          TEXT NOT NULL DEFAULT '',
  queued_at       BIGINT NOT NULL,
  since_at        BIGINT NOT NULL,
  due_at          BIGINT NOT NULL,
  useful_until    BIGINT,
  claim           TEXT NOT NULL DEFAULT '',
  claimed_until   BIGINT NOT NULL DEFAULT 0,
  settled_at      BIGINT
);
CREATE INDEX letters_due ON letters (due_at, organization_id, id) WHERE state IN ('waiting', 'retrying');
CREATE INDEX letters_about ON letters (about_kind, about_id, id);
CREATE INDEX letters_of_organization ON letters (organization_id, state, id);
CREATE INDEX letters_settled ON letters (settled_at);

-- How it went with the mail server: one row.
CREATE TABLE mail_server (
  id       TEXT PRIMARY KEY,
  sent_at  BIGINT,
  fault_at BIGINT,
  fault    TEXT NOT NULL DEFAULT ''
);
