-- What members are filtered by, in one column: state, role, source, and whether a directory knows them.
-- Keys sort by byte on both databases, whatever the locale of the cluster.
ALTER TABLE members ALTER COLUMN name_key TYPE TEXT COLLATE "C";
ALTER TABLE member_counts ALTER COLUMN facet TYPE TEXT COLLATE "C";
ALTER TABLE account_words ALTER COLUMN word TYPE TEXT COLLATE "C";
ALTER TABLE members ADD COLUMN facet TEXT COLLATE "C"
  GENERATED ALWAYS AS (state || ' ' || role || ' ' || source || CASE WHEN managed THEN ' managed' ELSE '' END) STORED;

UPDATE members SET
  name_key = (SELECT a.name_key FROM accounts a WHERE a.id = members.account_id),
  managed = EXISTS (SELECT 1 FROM scim_users s WHERE s.member_id = members.id);
UPDATE teams SET people = (SELECT COUNT(DISTINCT t.member_id) FROM team_members t WHERE t.team_id = teams.id);
INSERT INTO member_counts (organization_id, facet, people)
  SELECT organization_id, facet, COUNT(*) FROM members GROUP BY organization_id, facet;
INSERT INTO invitation_counts (organization_id, state, hour, invitations)
  SELECT organization_id, state, CASE WHEN state = 'pending' THEN expires_at / 3600000 ELSE 0 END, COUNT(*)
  FROM invitations GROUP BY 1, 2, 3;
INSERT INTO account_words (account_id, word)
  SELECT DISTINCT a.id, LEFT(pieces.word, 64)
  FROM accounts a, regexp_split_to_table(
    a.name_key || ' ' || translate(split_part(a.email_key, '@', 1), '.-_', '   ') || ' ' || a.email_key || ' '
    || split_part(a.email_key, '@', 2) || ' ' || a.username, ' ') AS pieces (word)
  WHERE pieces.word <> '';

CREATE INDEX members_by_name ON members (organization_id, facet, name_key, id);
CREATE INDEX members_by_joining ON members (organization_id, facet, joined_at, id);
CREATE INDEX members_by_sign_in ON members (organization_id, facet, COALESCE(last_sign_in_at, 0), id);
CREATE INDEX members_in_order ON members (organization_id, name_key, id);
CREATE INDEX account_words_by_word ON account_words (word, account_id);

-- Many rows at once are counted at once.
CREATE FUNCTION members_named_anew() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  NEW.name_key := (SELECT a.name_key FROM accounts a WHERE a.id = NEW.account_id);
  RETURN NEW;
END $$;
CREATE TRIGGER members_before BEFORE INSERT ON members FOR EACH ROW EXECUTE FUNCTION members_named_anew();

CREATE FUNCTION members_in() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO member_counts AS c (organization_id, facet, people)
    SELECT organization_id, facet, COUNT(*) FROM new_rows GROUP BY organization_id, facet ORDER BY 1, 2
    ON CONFLICT (organization_id, facet) DO UPDATE SET people = c.people + EXCLUDED.people;
  RETURN NULL;
END $$;
CREATE TRIGGER members_in AFTER INSERT ON members REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION members_in();

CREATE FUNCTION members_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE member_counts c SET people = c.people - gone.people
    FROM (SELECT organization_id, facet, COUNT(*) AS people FROM old_rows GROUP BY 1, 2) gone
    WHERE c.organization_id = gone.organization_id AND c.facet = gone.facet;
  RETURN NULL;
END $$;
CREATE TRIGGER members_out AFTER DELETE ON members REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION members_out();

CREATE FUNCTION members_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE member_counts SET people = people - 1 WHERE organization_id = OLD.organization_id AND facet = OLD.facet;
  INSERT INTO member_counts AS c (organization_id, facet, people) VALUES (NEW.organization_id, NEW.facet, 1)
    ON CONFLICT (organization_id, facet) DO UPDATE SET people = c.people + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER members_changed AFTER UPDATE OF state, role, source, managed ON members
  FOR EACH ROW WHEN (OLD.facet IS DISTINCT FROM NEW.facet) EXECUTE FUNCTION members_changed();

CREATE FUNCTION members_named() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE members SET name_key = NEW.name_key WHERE account_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER members_named AFTER UPDATE OF name_key ON accounts
  FOR EACH ROW WHEN (OLD.name_key <> NEW.name_key) EXECUTE FUNCTION members_named();

CREATE FUNCTION members_managed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP <> 'INSERT' THEN
    UPDATE members SET managed = FALSE WHERE id = OLD.member_id;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    UPDATE members SET managed = TRUE WHERE id = NEW.member_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER members_managed_in AFTER INSERT ON scim_users
  FOR EACH ROW WHEN (NEW.member_id IS NOT NULL) EXECUTE FUNCTION members_managed();
CREATE TRIGGER members_managed_out AFTER DELETE ON scim_users
  FOR EACH ROW WHEN (OLD.member_id IS NOT NULL) EXECUTE FUNCTION members_managed();
CREATE TRIGGER members_managed_anew AFTER UPDATE OF member_id ON scim_users
  FOR EACH ROW WHEN (OLD.member_id IS DISTINCT FROM NEW.member_id) EXECUTE FUNCTION members_managed();

CREATE FUNCTION invitations_in() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO invitation_counts AS c (organization_id, state, hour, invitations)
    SELECT organization_id, state, CASE WHEN state = 'pending' THEN expires_at / 3600000 ELSE 0 END, COUNT(*)
    FROM new_rows GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (organization_id, state, hour) DO UPDATE SET invitations = c.invitations + EXCLUDED.invitations;
  RETURN NULL;
END $$;
CREATE TRIGGER invitations_in AFTER INSERT ON invitations REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION invitations_in();

CREATE FUNCTION invitations_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE invitation_counts c SET invitations = c.invitations - gone.invitations
    FROM (SELECT organization_id, state, CASE WHEN state = 'pending' THEN expires_at / 3600000 ELSE 0 END AS hour,
                 COUNT(*) AS invitations FROM old_rows GROUP BY 1, 2, 3) gone
    WHERE c.organization_id = gone.organization_id AND c.state = gone.state AND c.hour = gone.hour;
  RETURN NULL;
END $$;
CREATE TRIGGER invitations_out AFTER DELETE ON invitations REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION invitations_out();

CREATE FUNCTION invitations_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE invitation_counts SET invitations = invitations - 1
    WHERE organization_id = OLD.organization_id AND state = OLD.state
      AND hour = CASE WHEN OLD.state = 'pending' THEN OLD.expires_at / 3600000 ELSE 0 END;
  INSERT INTO invitation_counts AS c (organization_id, state, hour, invitations)
    VALUES (NEW.organization_id, NEW.state, CASE WHEN NEW.state = 'pending' THEN NEW.expires_at / 3600000 ELSE 0 END, 1)
    ON CONFLICT (organization_id, state, hour) DO UPDATE SET invitations = c.invitations + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER invitations_changed AFTER UPDATE OF state, expires_at ON invitations
  FOR EACH ROW WHEN (OLD.state <> NEW.state OR OLD.expires_at <> NEW.expires_at) EXECUTE FUNCTION invitations_changed();

-- Somebody is in a team once, however many sources say so.
CREATE FUNCTION team_members_in() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE teams SET people = teams.people + come.people
    FROM (SELECT new_pairs.team_id, COUNT(*) AS people
          FROM (SELECT team_id, member_id, COUNT(*) AS sources FROM new_rows GROUP BY 1, 2) new_pairs
          WHERE new_pairs.sources = (SELECT COUNT(*) FROM team_members t
                                     WHERE t.team_id = new_pairs.team_id AND t.member_id = new_pairs.member_id)
          GROUP BY 1) come
    WHERE teams.id = come.team_id;
  RETURN NULL;
END $$;
CREATE TRIGGER team_members_in AFTER INSERT ON team_members REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION team_members_in();

CREATE FUNCTION team_members_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE teams SET people = teams.people - gone.people
    FROM (SELECT old_pairs.team_id, COUNT(*) AS people
          FROM (SELECT DISTINCT team_id, member_id FROM old_rows) old_pairs
          WHERE NOT EXISTS (SELECT 1 FROM team_members t
                            WHERE t.team_id = old_pairs.team_id AND t.member_id = old_pairs.member_id)
          GROUP BY 1) gone
    WHERE teams.id = gone.team_id;
  RETURN NULL;
END $$;
CREATE TRIGGER team_members_out AFTER DELETE ON team_members REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION team_members_out();
