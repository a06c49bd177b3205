# Says what a pod reaches: for each name the system identifier of the server that answers there, and whether the server in
# use answers at all. Arguments: port, address and port of the server in use (empty where there is none), the names.
set -u
export LC_ALL=C PGCONNECT_TIMEOUT=5
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
port="$1" live="$2" live_port="$3"
shift 3
for name; do
  found="$(psql -X -A -t -w -h "$name" -p "$port" -U postgres -d template1 \
    -c 'select system_identifier from pg_control_system()' 2>/dev/null)"
  echo "name $name ${found:-nobody}"
done
if [ -n "$live" ]; then
  pg_isready -q -t 3 -h "$live" -p "$live_port"
  echo "live $?"
fi
