-- Whom a word finds is read in the order of their names without a look at each of them. The table lies in its key: each
-- word of a new account is written in two places, not in three.
CREATE TABLE account_words_in_order (
  account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  word       TEXT NOT NULL,
  name_key   TEXT NOT NULL,
  PRIMARY KEY (account_id, word)
) WITHOUT ROWID;
INSERT INTO account_words_in_order (account_id, word, name_key)
  SELECT w.account_id, w.word, a.name_key FROM account_words w JOIN accounts a ON a.id = w.account_id;
DROP TABLE account_words;
ALTER TABLE account_words_in_order RENAME TO account_words;
CREATE INDEX account_words_by_word ON account_words (word, name_key, account_id);
