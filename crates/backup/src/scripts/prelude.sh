# Sets the connection for everything below. Arguments: user, host, port, database, application name, login, sslmode,
# settings of the session.
# Empty arguments leave what the container itself says. Names arrive as arguments, a password as the first line of
# standard input, so neither is ever text of this script.
set -u
umask 077
unset PGSERVICE PGSERVICEFILE PGHOSTADDR PGOPTIONS PGTARGETSESSIONATTRS
if [ -n "$1" ]; then export PGUSER="$1"; fi
if [ -n "$2" ]; then export PGHOST="$2"; fi
if [ -n "$3" ]; then export PGPORT="$3"; fi
if [ -n "$7" ]; then export PGSSLMODE="$7"; fi
if [ -n "$8" ]; then export PGOPTIONS="$8"; fi
export PGDATABASE="$4" PGAPPNAME="$5" PGCONNECT_TIMEOUT=20 PGCLIENTENCODING=UTF8
case "$6" in
  # The container's own administrator over its socket, without and with the password that the container was given.
  socket) export PGUSER="${POSTGRES_USER:-postgres}" ;;
  container)
    export PGUSER="${POSTGRES_USER:-postgres}" PGPASSWORD="${POSTGRES_PASSWORD:-${POSTGRESQL_PASSWORD:-}}"
    for file in "${POSTGRES_PASSWORD_FILE:-}" "${POSTGRESQL_PASSWORD_FILE:-}"; do
      if [ -z "$PGPASSWORD" ] && [ -r "$file" ]; then IFS= read -r PGPASSWORD <"$file" || :; fi
    done ;;
  line) IFS= read -r PGPASSWORD || exit 65; export PGPASSWORD ;;
  none) ;;
  *) exit 64 ;;
esac
shift 8
