# Dumps the database as a folder of one file per table, several at a time, reads it to its end and sends it as one tar
# archive; ends like dump.sh, with a marked line. The folder is gone when this ends. Arguments: nonce, lock wait in ms,
# snapshot or nothing, what pg_dump packs by itself, tables at a time.
nonce="$1" lock_wait="$2" snapshot="$3" own="$4" jobs="$5"
folder=$(mktemp -d) || exit 73
trap 'rm -rf "$folder"' EXIT
trap 'exit 74' HUP INT TERM
set -- --format=directory --file="$folder/dump" --jobs="$jobs" --compress="$own" --no-password \
  --lock-wait-timeout="$lock_wait"
if [ -n "$snapshot" ]; then set -- "$@" --snapshot="$snapshot"; fi
exec 3<&0 9>&1
guarded_dump "$@" >&2
dump=$? read= pack=
if [ "$dump" = 0 ]; then
  low pg_restore --format=directory --file=/dev/null "$folder/dump"
  read=$?
fi
{
  {
    {
      { if [ "$read" = 0 ]; then low tar -C "$folder" -cf - dump; echo "pack $?" >&5; fi; } | tee /dev/fd/7 /dev/fd/8 >&9
    } 8>&1 | { wc -c | { read -r count _; echo "bytes $count"; } >&5; }
  } 7>&1 | { low sha256sum | { read -r hash _; echo "sha256 $hash"; } >&5; }
} 5>&1 | {
  bytes= sha256=
  while read -r key value; do
    case "$key" in pack) pack="$value" ;; bytes) bytes="$value" ;; sha256) sha256="$value" ;; esac
  done
  printf '\n%s dump=%s pack=%s read=%s bytes=%s sha256=%s end\n' \
    "$nonce" "$dump" "$pack" "$read" "$bytes" "$sha256" >&2
}
exit 0
