# Fills the database of the connection string from an archive on standard input that has to lie in a folder to be read: one
# in directory format (as tar), or any that several sessions are to fill from at a time. The folder is gone when this ends.
# The archive is read to its end before anything is filled. Ends like restore.sh, with a marked line. Arguments: nonce,
# codec, bytes, connection string, layout (custom or folder), owner, the role, privileges, the archive's path in the tar,
# tables at a time (0: one after the other, in one transaction).
nonce="$1" codec="$2" size="$3" connection="$4" layout="$5" owner="$6" role="$7" privileges="$8" inside="$9"
shift 9
jobs="$1"
case "$codec" in
  zstd) unpack() { zstd -q -d -c; } ;;
  gzip) unpack() { gzip -d -c; } ;;
  none) unpack() { cat; } ;;
  *) exit 64 ;;
esac
folder=$(mktemp -d) || exit 73
trap 'rm -rf "$folder"' EXIT
trap 'exit 74' HUP INT TERM
case "$layout" in
  folder) format=directory archive="$folder/$inside"; keep() { tar -C "$folder" -xf -; } ;;
  custom) format=custom archive="$folder/dump"; keep() { cat >"$folder/dump"; } ;;
  *) exit 64 ;;
esac
exec 3<&0
arrived=$({
  {
    {
      head -c "$size" <&3 | tee /dev/fd/7 /dev/fd/8 | { unpack; echo "unpack $?" >&5; } | {
        keep >&2; echo "keep $?" >&5; cat >/dev/null
      } >/dev/null
    } 8>&1 | { wc -c | { read -r count _; echo "bytes $count"; } >&5; }
  } 7>&1 | { sha256sum | { read -r hash _; echo "sha256 $hash"; } >&5; }
} 5>&1)
restore= unpack= keep= bytes= sha256=
while read -r key value; do
  case "$key" in
    unpack) unpack="$value" ;; keep) keep="$value" ;; bytes) bytes="$value" ;; sha256) sha256="$value" ;;
  esac
done <<END
$arrived
END
read=
if [ "$unpack" = 0 ] && [ "$keep" = 0 ] && [ "$bytes" = "$size" ]; then
  pg_restore --format="$format" --exit-on-error --file=/dev/null "$archive" </dev/null >/dev/null
  read=$?
fi
if [ "$read" = 0 ]; then
  set -- --format="$format" --exit-on-error --no-password --dbname="$connection"
  if [ "$jobs" = 0 ]; then set -- "$@" --single-transaction; else set -- "$@" --jobs="$jobs"; fi
  case "$owner" in drop) set -- "$@" --no-owner ;; role) set -- "$@" --no-owner --role="$role" ;; esac
  if [ "$privileges" = leave ]; then set -- "$@" --no-privileges; fi
  pg_restore "$@" "$archive" </dev/null >/dev/null
  restore=$?
fi
printf '\n%s restore=%s unpack=%s keep=%s read=%s bytes=%s sha256=%s end\n' \
  "$nonce" "$restore" "$unpack" "$keep" "$read" "$bytes" "$sha256" >&2
exit 0
