# A server that lives in an empty folder and ends with its pod. Arguments: encoding, collation, character classes,
# libraries to preload, and what is written ahead (minimal where nothing is said).
set -eu
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
initdb --pgdata="$PGDATA" --username=postgres --auth=trust --encoding="$1" --lc-collate="$2" --lc-ctype="$3" >/dev/null
# Nothing in it has to survive: no flushing. That stands in the file, where a rehearsal can take it back.
printf '%s\n' 'fsync = off' 'full_page_writes = off' 'synchronous_commit = off' >>"$PGDATA/postgresql.conf"
# Nobody but this pod can connect.
exec postgres -D "$PGDATA" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$PGHOST" \
  -c shared_preload_libraries="$4" -c wal_level="${5:-minimal}" -c max_wal_senders=0 -c max_locks_per_transaction=1024
