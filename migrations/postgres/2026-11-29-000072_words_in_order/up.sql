-- Whom a word finds is read in the order of their names without a look at each of them.
DROP INDEX account_words_by_word;
ALTER TABLE account_words ADD COLUMN name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE account_words SET name_key = a.name_key FROM accounts a WHERE a.id = account_words.account_id;
CREATE INDEX account_words_by_word ON account_words (word, name_key, account_id);

-- While instances are replaced one by one, the older ones do not write it.
CREATE FUNCTION account_words_named() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  NEW.name_key := (SELECT a.name_key FROM accounts a WHERE a.id = NEW.account_id);
  RETURN NEW;
END $$;
CREATE TRIGGER account_words_named BEFORE INSERT ON account_words
  FOR EACH ROW WHEN (NEW.name_key = '') EXECUTE FUNCTION account_words_named();
