-- One letter finds very many: their names in order, without a look at all of them.
CREATE INDEX account_words_by_letter ON account_words (substr(word, 1, 1), name_key, account_id);
