# Says whether machines answer that a pod has to be kept from: the server in use, and the API server. A network plugin may
# take a moment to enforce a policy, so it tries several times. Arguments: how often, address and port of the server in use
# (empty where there is none that is known).
set -u
export LC_ALL=C PGCONNECT_TIMEOUT=3 PGSSLMODE=require
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
times="$1" live="$2" live_port="$3"
# Only what says that nothing came back counts as silence: whoever speaks another protocol has answered.
asked() {
  if [ -z "$1" ]; then
    echo unknown
    return
  fi
  if said="$(psql -X -A -t -w -h "$1" -p "$2" -U postgres -d postgres -c 'select 1' 2>&1)"; then
    echo answers
    return
  fi
  case "$said" in
    *'timeout expired'* | *'Connection refused'* | *'Connection timed out'* | *'No route to host'* | \
      *'Network is unreachable'* | *'Operation not permitted'*) echo silent ;;
    *) echo answers ;;
  esac
}
while :; do
  of_live="$(asked "$live" "$live_port")"
  of_api="$(asked "${KUBERNETES_SERVICE_HOST:-}" "${KUBERNETES_SERVICE_PORT:-443}")"
  times=$((times - 1))
  if [ "$of_live$of_api" = silentsilent ] || [ "$times" -le 0 ]; then break; fi
  sleep 2
done
echo "live $of_live"
echo "api $of_api"
