# Runs pg_dump so that it does not outlive the client, which closes our standard input (here descriptor 3) when it
# vanishes: pg_dump holds locks. Somebody reads what the client says (a line now and then, which also keeps proxies on
# the way from taking the connection for dead), and when nothing more can come, pg_dump is ended; everything behind it
# then ends by itself. All of it yields to the server beside it.
low() { if command -v nice >/dev/null 2>&1; then nice -n 10 "$@"; else "$@"; fi; }
guarded_dump() {
  # Not through the function above: what runs in the background has to be the program itself, to be ended by its id.
  if command -v nice >/dev/null 2>&1; then nice -n 10 pg_dump "$@" & else pg_dump "$@" & fi
  dump=$!
  ( while read -r _ <&3; do :; done; kill -TERM "$dump" ) >/dev/null 2>&1 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  guard=$!
  wait "$dump"
  ended=$?
  # In most containers the server is process 1 and inherits what is not waited for. A child that it does not know and
  # that was ended by a signal is a crashed session to it: it throws everybody out and recovers.
  kill "$guard" 2>/dev/null
  wait "$guard" 2>/dev/null
  return "$ended"
}
