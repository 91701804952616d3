-- Nothing that only SQLite needs, so far.
SELECT 1;
