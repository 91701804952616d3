-- Nothing that only SQLite needs.
SELECT 1;
