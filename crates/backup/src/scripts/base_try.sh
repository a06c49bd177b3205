# Tries an unpacked copy of a server: compares its files with its own list, lets it recover, reads every database to its
# end, and checks its pages. One `key value` line each. Nobody but this pod can connect. Arguments: data directory, folder
# to work in, seconds to start in, the administrator's name.
folder="$1" work="$2" limit="$3" administrator="$4"
set -u
umask 077
export LC_ALL=C
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
chmod 0700 "$folder"
if command -v pg_verifybackup >/dev/null 2>&1; then
  pg_verifybackup --quiet "$folder" >&2
  echo "verifybackup $?"
fi
control() { pg_controldata "$folder" | sed -n "s/^$1: *//p"; }
echo "system $(control 'Database system identifier')"
echo "state $(control 'Database cluster state')"
checksums="$(control 'Data page checksum version')"
mkdir -p "$work" && : >"$work/conf" && : >"$work/ident" && echo 'local all all trust' >"$work/hba" || exit 66
# What the copy's own files say of networks, archives, libraries and sizes must not happen here. What the control file
# says is the least with which its WAL can be replayed.
set -- "config_file=$work/conf" "hba_file=$work/hba" "ident_file=$work/ident" "unix_socket_directories=$work" \
  "listen_addresses=''" port=5432 ssl=off archive_mode=off "restore_command=''" "primary_conninfo=''" \
  "shared_preload_libraries=''" "session_preload_libraries=''" "local_preload_libraries=''" \
  logging_collector=off log_destination=stderr shared_buffers=32MB huge_pages=off fsync=off autovacuum=off jit=off \
  max_logical_replication_workers=0 default_transaction_read_only=on "synchronous_standby_names=''" \
  "max_connections=$(control 'max_connections setting')" \
  "max_worker_processes=$(control 'max_worker_processes setting')" \
  "max_wal_senders=$(control 'max_wal_senders setting')" \
  "max_prepared_transactions=$(control 'max_prepared_xacts setting')" \
  "max_locks_per_transaction=$(control 'max_locks_per_xact setting')"
options=
for setting in "$@"; do options="$options -c $setting"; done
pg_ctl -D "$folder" -w -t "$limit" -l "$work/log" -o "$options" start >/dev/null
started=$?
if [ "$started" != 0 ]; then tail -n 5 "$work/log" >&2; fi
echo "start $started"
if [ "$started" = 0 ]; then
  export PGHOST="$work" PGPORT=5432 PGUSER="$administrator" PGDATABASE=template1
  ask() { psql -X -q -A -t -w -v ON_ERROR_STOP=1 -c "$1"; }
  ask "select 'recovery ' || pg_is_in_recovery()"
  for oid in $(ask 'select oid from pg_database where datallowconn order by oid'); do
    # A name may end in line ends, which the shell would take away.
    name="$(ask "select datname from pg_database where oid = $oid"; echo .)"
    name="${name%?}"
    name="${name%?}"
    PGDATABASE="$name" pg_dump --format=custom --compress=0 --no-password >/dev/null
    echo "database $?"
  done
  pg_ctl -D "$folder" -w -t "$limit" -m fast stop >/dev/null
  echo "stop $?"
  if [ "${checksums:-0}" != 0 ] && command -v pg_checksums >/dev/null 2>&1; then
    pg_checksums --check -D "$folder" >/dev/null
    echo "checksums $?"
  fi
fi
exit 0
