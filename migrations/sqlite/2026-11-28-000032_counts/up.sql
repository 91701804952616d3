-- What members are filtered by, in one column: state, role, source, and whether a directory knows them.
ALTER TABLE members ADD COLUMN facet TEXT
  GENERATED ALWAYS AS (state || ' ' || role || ' ' || source || CASE WHEN managed THEN ' managed' ELSE '' END) VIRTUAL;

UPDATE members SET
  name_key = (SELECT a.name_key FROM accounts a WHERE a.id = members.account_id),
  managed = EXISTS (SELECT 1 FROM scim_users s WHERE s.member_id = members.id);
UPDATE teams SET people = (SELECT COUNT(DISTINCT t.member_id) FROM team_members t WHERE t.team_id = teams.id);
INSERT INTO member_counts (organization_id, facet, people)
  SELECT organization_id, facet, COUNT(*) FROM members GROUP BY organization_id, facet;
INSERT INTO invitation_counts (organization_id, state, hour, invitations)
  SELECT organization_id, state, CASE WHEN state = 'pending' THEN expires_at / 3600000 ELSE 0 END, COUNT(*)
  FROM invitations GROUP BY 1, 2, 3;
INSERT OR IGNORE INTO account_words (account_id, word)
  WITH RECURSIVE pieces (account_id, word, rest) AS (
    SELECT id, '', name_key || ' ' || replace(replace(replace(
             substr(email_key, 1, instr(email_key, '@') - 1), '.', ' '), '-', ' '), '_', ' ')
           || ' ' || email_key || ' ' || substr(email_key, instr(email_key, '@') + 1) || ' ' || username || ' '
    FROM accounts
    UNION ALL
    SELECT account_id, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1)
    FROM pieces WHERE rest <> ''
  )
  SELECT account_id, substr(word, 1, 64) FROM pieces WHERE word <> '';

CREATE INDEX members_by_name ON members (organization_id, facet, name_key, id);
CREATE INDEX members_by_joining ON members (organization_id, facet, joined_at, id);
CREATE INDEX members_by_sign_in ON members (organization_id, facet, COALESCE(last_sign_in_at, 0), id);
CREATE INDEX members_in_order ON members (organization_id, name_key, id);
CREATE INDEX account_words_by_word ON account_words (word, account_id);

CREATE TRIGGER members_in AFTER INSERT ON members BEGIN
  UPDATE members SET name_key = (SELECT a.name_key FROM accounts a WHERE a.id = NEW.account_id) WHERE id = NEW.id;
  INSERT INTO member_counts (organization_id, facet, people) VALUES (NEW.organization_id, NEW.facet, 1)
    ON CONFLICT (organization_id, facet) DO UPDATE SET people = people + 1;
END;
CREATE TRIGGER members_out AFTER DELETE ON members BEGIN
  UPDATE member_counts SET people = people - 1 WHERE organization_id = OLD.organization_id AND facet = OLD.facet;
END;
CREATE TRIGGER members_changed AFTER UPDATE OF state, role, source, managed ON members
WHEN OLD.facet <> NEW.facet BEGIN
  UPDATE member_counts SET people = people - 1 WHERE organization_id = OLD.organization_id AND facet = OLD.facet;
  INSERT INTO member_counts (organization_id, facet, people) VALUES (NEW.organization_id, NEW.facet, 1)
    ON CONFLICT (organization_id, facet) DO UPDATE SET people = people + 1;
END;
CREATE TRIGGER members_named AFTER UPDATE OF name_key ON accounts WHEN OLD.name_key <> NEW.name_key BEGIN
  UPDATE members SET name_key = NEW.name_key WHERE account_id = NEW.id;
END;

CREATE TRIGGER members_managed_in AFTER INSERT ON scim_users WHEN NEW.member_id IS NOT NULL BEGIN
  UPDATE members SET managed = TRUE WHERE id = NEW.member_id;
END;
CREATE TRIGGER members_managed_out AFTER DELETE ON scim_users WHEN OLD.member_id IS NOT NULL BEGIN
  UPDATE members SET managed = FALSE WHERE id = OLD.member_id;
END;
CREATE TRIGGER members_managed_anew AFTER UPDATE OF member_id ON scim_users WHEN OLD.member_id IS NOT NEW.member_id BEGIN
  UPDATE members SET managed = FALSE WHERE id = OLD.member_id;
  UPDATE members SET managed = TRUE WHERE id = NEW.member_id;
END;

CREATE TRIGGER invitations_in AFTER INSERT ON invitations BEGIN
  INSERT INTO invitation_counts (organization_id, state, hour, invitations)
    VALUES (NEW.organization_id, NEW.state, CASE WHEN NEW.state = 'pending' THEN NEW.expires_at / 3600000 ELSE 0 END, 1)
    ON CONFLICT (organization_id, state, hour) DO UPDATE SET invitations = invitations + 1;
END;
CREATE TRIGGER invitations_out AFTER DELETE ON invitations BEGIN
  UPDATE invitation_counts SET invitations = invitations - 1
    WHERE organization_id = OLD.organization_id AND state = OLD.state
      AND hour = CASE WHEN OLD.state = 'pending' THEN OLD.expires_at / 3600000 ELSE 0 END;
END;
CREATE TRIGGER invitations_changed AFTER UPDATE OF state, expires_at ON invitations
WHEN OLD.state <> NEW.state OR OLD.expires_at <> NEW.expires_at BEGIN
  UPDATE invitation_counts SET invitations = invitations - 1
    WHERE organization_id = OLD.organization_id AND state = OLD.state
      AND hour = CASE WHEN OLD.state = 'pending' THEN OLD.expires_at / 3600000 ELSE 0 END;
  INSERT INTO invitation_counts (organization_id, state, hour, invitations)
    VALUES (NEW.organization_id, NEW.state, CASE WHEN NEW.state = 'pending' THEN NEW.expires_at / 3600000 ELSE 0 END, 1)
    ON CONFLICT (organization_id, state, hour) DO UPDATE SET invitations = invitations + 1;
END;

-- Somebody is in a team once, however many sources say so.
CREATE TRIGGER team_members_in AFTER INSERT ON team_members BEGIN
  UPDATE teams SET people = people + 1 WHERE id = NEW.team_id
    AND (SELECT COUNT(*) FROM team_members t WHERE t.team_id = NEW.team_id AND t.member_id = NEW.member_id) = 1;
END;
CREATE TRIGGER team_members_out AFTER DELETE ON team_members BEGIN
  UPDATE teams SET people = people - 1 WHERE id = OLD.team_id
    AND NOT EXISTS (SELECT 1 FROM team_members t WHERE t.team_id = OLD.team_id AND t.member_id = OLD.member_id);
END;
