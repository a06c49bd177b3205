# A server that lives in an empty folder and ends with its pod. Arguments: encoding, collation, character classes,
# libraries to preload.
set -eu
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
initdb --pgdata="$PGDATA" --username=postgres --auth=trust --encoding="$1" --lc-collate="$2" --lc-ctype="$3" >/dev/null
# Nothing in it has to survive: no flushing, and nobody but this pod can connect.
exec postgres -D "$PGDATA" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$PGHOST" \
  -c shared_preload_libraries="$4" -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
  -c wal_level=minimal -c max_wal_senders=0 -c max_locks_per_transaction=1024
