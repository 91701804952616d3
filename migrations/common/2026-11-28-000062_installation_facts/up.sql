-- What is known about the installation as a whole, by name: the key that seals its secrets, when it was restored.
CREATE TABLE installation_facts (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  at    BIGINT NOT NULL
);
