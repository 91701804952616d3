# Sourced by scripts/bench and scripts/soak: a PostgreSQL with its default settings in "$folder/pg", reached by its
# socket; `$server` is its process. Tests have one of their own.

as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

start_postgres() {
  programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
  [ -n "$programs" ] || { echo "PostgreSQL is not installed: install Debian's package postgresql." >&2; exit 1; }
  mkdir "$folder/pg"
  [ "$(id -u)" != 0 ] || chown postgres "$folder/pg"
  as_postgres "$programs/initdb" --username=postgres --auth=trust --pgdata="$folder/pg/data" >/dev/null
  as_postgres "$programs/postgres" -D "$folder/pg/data" -c listen_addresses= -c unix_socket_directories="$folder/pg" >"$folder/pg.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do "$programs/psql" -h "$folder/pg" -U postgres -c 'select 1' >/dev/null 2>&1 && break; sleep 0.1; done
}

# Makes a database and prints its address.
new_database() {
  "$programs/psql" -q -h "$folder/pg" -U postgres -c "create database $1"
  echo "postgres:///$1?host=$folder/pg&user=postgres"
}
