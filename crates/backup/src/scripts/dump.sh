# Dumps the database to standard output and says on standard error, in one line marked with our nonce, how every part of
# the pipeline ended and what left this place. Writes no file. Arguments: nonce, codec, lock wait in ms, snapshot or
# nothing, format (custom or plain), what pg_dump packs by itself.
nonce="$1" codec="$2" lock_wait="$3" snapshot="$4" format="$5" own="$6"
case "$codec" in
  zstd) pack() { low zstd -q -1 -T1 -c; } ;;
  gzip) pack() { low gzip -1 -c; } ;;
  none) pack() { cat; } ;;
  *) exit 64 ;;
esac
case "$format" in
  custom) read_all() { low pg_restore --format=custom --file=/dev/null; } ;;
  # Text has no end of its own but the last words of pg_dump.
  plain) read_all() { tail -n 20 | grep -q '^-- PostgreSQL database dump complete'; } ;;
  *) exit 64 ;;
esac
set -- --format="$format" --compress="$own" --no-password --lock-wait-timeout="$lock_wait"
if [ -n "$snapshot" ]; then set -- "$@" --snapshot="$snapshot"; fi
exec 3<&0 9>&1
# 3: the client's line; 4: a copy that is read to its end; 5: how each part ended;
# 6: the packed stream; 7, 8: copies of it for the hash and the count; 9: our standard output.
{
  {
    {
      {
        {
          {
            { guarded_dump "$@"; echo "dump $?" >&5; } | tee /dev/fd/4 | { pack; echo "pack $?" >&5; } >&6
          } 4>&1 | { read_all; echo "read $?" >&5; cat >/dev/null; } >/dev/null
        } 6>&1 | tee /dev/fd/7 /dev/fd/8 >&9
      } 8>&1 | { wc -c | { read -r count _; echo "bytes $count"; } >&5; }
    } 7>&1 | { low sha256sum | { read -r hash _; echo "sha256 $hash"; } >&5; }
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
