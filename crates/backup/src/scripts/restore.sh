# Fills the database of the connection string from a dump on standard input, all of it or nothing; or reads an archive to
# its end and fills nothing. Says in one line marked with our nonce how it ended and what arrived. Arguments: nonce, codec,
# bytes, connection string, act (fill or read), layout (custom, tar or plain), owner (keep, drop or role), the role,
# privileges (keep or leave).
nonce="$1" codec="$2" size="$3" connection="$4" act="$5" layout="$6" owner="$7" role="$8" privileges="$9"
case "$codec" in
  zstd) unpack() { zstd -q -d -c; } ;;
  gzip) unpack() { gzip -d -c; } ;;
  none) unpack() { cat; } ;;
  *) exit 64 ;;
esac
if [ "$act" = read ]; then
  set -- pg_restore --format="$layout" --exit-on-error --file=/dev/null
elif [ "$layout" = plain ]; then
  set -- psql -X -q -w -v ON_ERROR_STOP=1 --single-transaction --dbname="$connection" --file=-
else
  set -- pg_restore --format="$layout" --exit-on-error --single-transaction --no-password --dbname="$connection"
  case "$owner" in drop) set -- "$@" --no-owner ;; role) set -- "$@" --no-owner --role="$role" ;; esac
  if [ "$privileges" = leave ]; then set -- "$@" --no-privileges; fi
fi
exec 3<&0
# The size is said beforehand, because the end of standard input does not reach every container.
{
  {
    {
      {
        head -c "$size" <&3 | tee /dev/fd/7 /dev/fd/8 | { unpack; echo "unpack $?" >&5; } | {
          "$@" >/dev/null; echo "restore $?" >&5; cat >/dev/null
        } >/dev/null
      } 8>&1 | { wc -c | { read -r count _; echo "bytes $count"; } >&5; }
    } 7>&1 | { sha256sum | { read -r hash _; echo "sha256 $hash"; } >&5; }
  } 5>&1 | {
    restore= unpack= bytes= sha256=
    while read -r key value; do
      case "$key" in
        restore) restore="$value" ;; unpack) unpack="$value" ;; bytes) bytes="$value" ;; sha256) sha256="$value" ;;
      esac
    done
    printf '\n%s restore=%s unpack=%s bytes=%s sha256=%s end\n' "$nonce" "$restore" "$unpack" "$bytes" "$sha256" >&2
  }
}
exit 0
