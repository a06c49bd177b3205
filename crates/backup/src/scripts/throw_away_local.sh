# A server for one restore test on this machine: data and socket are in one folder, and nothing else leads to it. It ends,
# and the folder goes, when standard input ends: whoever started this may be killed. Says `ready` when it is up, and before
# that a `note` for whatever this machine lacks. Arguments: folder, programs, encoding, collation, character classes,
# libraries to preload, KiB that it will need.
folder="$1" programs="$2" encoding="$3" collate="$4" classes="$5" preload="$6" needed="$7"
set -u
umask 077
export LC_ALL=C
server=
clean() {
  trap '' HUP INT PIPE TERM
  if [ -n "$server" ]; then kill -QUIT "$server" 2>/dev/null; wait "$server" 2>/dev/null; fi
  rm -rf -- "$folder"
}
trap clean EXIT
trap 'exit 1' HUP INT PIPE TERM
fail() { echo "$1" >&2; exit 1; }
free="$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')"
if [ "${free:-0}" -lt "$needed" ]; then
  fail "$folder has room for $free KiB, and the restored database may need $needed: name another folder with --scratch"
fi
# A server refuses to run as root.
as=
if [ "$(id -u)" = 0 ]; then
  chown postgres "$folder" || fail "as root the server has to run as the user postgres, whom this machine does not know"
  as="setpriv --reuid=postgres --regid=postgres --clear-groups --"
fi
cd "$folder" || exit 1
init() {
  rm -rf -- "$folder/data"
  $as "$programs/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --no-sync --encoding="$encoding" \
    --lc-collate="$1" --lc-ctype="$2" </dev/null >/dev/null 2>"$folder/said"
}
if ! init "$collate" "$classes"; then
  init C C || fail "initdb: $(tail -n 5 "$folder/said")"
  echo "note this machine has no locale $collate: texts are compared as bytes"
fi
# Nothing in it has to survive, and nothing comes in but through the folder.
start() {
  $as "$programs/postgres" -D "$folder/data" -c listen_addresses= -c unix_socket_directories="\"$folder\"" \
    -c unix_socket_permissions=0700 -c port=5432 -c shared_preload_libraries="$1" -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0 -c max_locks_per_transaction=1024 \
    </dev/null >"$folder/log" 2>&1 &
  server=$!
  # Nothing can be watched for: the server tells nobody that it is up.
  until "$programs/pg_isready" -q -h "$folder" -p 5432; do
    if ! kill -0 "$server" 2>/dev/null; then wait "$server"; server=; return 1; fi
    sleep 0.1
  done
}
if ! start "$preload"; then
  if [ -z "$preload" ] || ! start ''; then fail "the server does not start: $(tail -n 5 "$folder/log")"; fi
  echo "note this machine's server does not start with $preload: it was not preloaded"
fi
echo ready
cat >/dev/null
