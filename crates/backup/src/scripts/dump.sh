# Dumps the database to standard output and says on standard error, in one line marked with our nonce, how every part of
# the pipeline ended and what left this place. Writes no file. Arguments: nonce, codec, lock wait in ms, snapshot or
# nothing.
#
# A client that vanishes closes our standard input. pg_dump must not outlive it: it holds locks. So somebody reads what
# the client says (a line now and then, which also keeps proxies on the way from taking the connection for dead), and
# when nothing more can come, pg_dump is ended; everything behind it then ends by itself.
nonce="$1" codec="$2" lock_wait="$3" snapshot="$4"
case "$codec" in
  zstd) pack() { zstd -q -1 -T1 -c; } ;;
  gzip) pack() { gzip -1 -c; } ;;
  none) pack() { cat; } ;;
  *) exit 64 ;;
esac
set -- --format=custom --compress=0 --no-password --lock-wait-timeout="$lock_wait"
if [ -n "$snapshot" ]; then set -- "$@" --snapshot="$snapshot"; fi
guarded_dump() {
  pg_dump "$@" &
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
exec 3<&0 9>&1
# 3: the client's line; 4: a copy for pg_restore, which reads the archive to its end; 5: how each part ended;
# 6: the packed stream; 7, 8: copies of it for the hash and the count; 9: our standard output.
{
  {
    {
      {
        {
          {
            { guarded_dump "$@"; echo "dump $?" >&5; } | tee /dev/fd/4 | { pack; echo "pack $?" >&5; } >&6
          } 4>&1 | { pg_restore --format=custom --file=/dev/null; echo "read $?" >&5; cat >/dev/null; } >/dev/null
        } 6>&1 | tee /dev/fd/7 /dev/fd/8 >&9
      } 8>&1 | { wc -c | { read -r count _; echo "bytes $count"; } >&5; }
    } 7>&1 | { sha256sum | { read -r hash _; echo "sha256 $hash"; } >&5; }
  } 5>&1 | {
    dump= pack= read= bytes= sha256=
    while read -r key value; do
      case "$key" in
        dump) dump="$value" ;; pack) pack="$value" ;; read) read="$value" ;;
        bytes) bytes="$value" ;; sha256) sha256="$value" ;;
      esac
    done
    printf '\n%s dump=%s pack=%s read=%s bytes=%s sha256=%s end\n' \
      "$nonce" "$dump" "$pack" "$read" "$bytes" "$sha256" >&2
  }
}
exit 0
