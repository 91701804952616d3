-- What grows with each sign-in is looked through by autovacuum every minute while it grows fast: 30,000 rows of wide text,
-- each column sorted, half a second of a processor for one table. Our statements go by their indexes, which a tenth of
-- that is enough to choose, and what is only shown needs no statistics at all.
DO $$
DECLARE
  one RECORD;
BEGIN
  FOR one IN
    SELECT c.relname, a.attname,
           a.attname ~ '_json$' OR a.attname IN ('answer', 'body', 'detail', 'ip', 'user_agent', 'verifier')
           OR (c.relname, a.attname) = ('sessions', 'state') AS is_only_shown
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
      AND c.relname IN ('sign_ins', 'audit_events', 'denials', 'attempts', 'sessions', 'scim_requests')
  LOOP
    EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET STATISTICS %s',
                   one.relname, one.attname, CASE WHEN one.is_only_shown THEN 0 ELSE 10 END);
  END LOOP;
END $$;
