# Sets the connection for everything below. Arguments: user, host, port, database, application name, password source.
# Empty arguments leave what the container itself says. Names arrive as arguments, a password as the first line of
# standard input, so neither is ever text of this script.
set -u
umask 077
unset PGSERVICE PGSERVICEFILE PGHOSTADDR PGOPTIONS PGTARGETSESSIONATTRS
if [ -n "$1" ]; then export PGUSER="$1"; fi
if [ -n "$2" ]; then export PGHOST="$2"; fi
if [ -n "$3" ]; then export PGPORT="$3"; fi
export PGDATABASE="$4" PGAPPNAME="$5" PGCONNECT_TIMEOUT=20 PGCLIENTENCODING=UTF8
case "$6" in
  line) IFS= read -r PGPASSWORD || exit 65; export PGPASSWORD ;;
  container) export PGPASSWORD="${POSTGRES_PASSWORD:-${POSTGRESQL_PASSWORD:-}}" ;;
  none) ;;
  *) exit 64 ;;
esac
shift 6
