# Unpacks an archive from standard input into a new folder. Says in one line marked with our nonce how it ended and what
# arrived. Arguments: nonce, codec, bytes, folder.
nonce="$1" codec="$2" size="$3" folder="$4"
set -u
umask 077
case "$codec" in
  zstd) unpack() { zstd -q -d -c; } ;;
  gzip) unpack() { gzip -d -c; } ;;
  none) unpack() { cat; } ;;
  *) exit 64 ;;
esac
# What an attempt that was killed has left is nobody's data: it never got a name that counts.
rm -rf "$folder" && mkdir "$folder" || exit 66
exec 3<&0
# The size is said beforehand, because the end of standard input does not reach every container.
{
  {
    {
      {
        head -c "$size" <&3 | tee /dev/fd/7 /dev/fd/8 | { unpack; echo "unpack $?" >&5; } | {
          tar -x -p -f - -C "$folder" >&2; echo "tar $?" >&5; cat >/dev/null
        } >/dev/null
      } 8>&1 | { wc -c | { read -r count _; echo "bytes $count"; } >&5; }
    } 7>&1 | { sha256sum | { read -r hash _; echo "sha256 $hash"; } >&5; }
  } 5>&1 | {
    tar= unpack= bytes= sha256=
    while read -r key value; do
      case "$key" in
        tar) tar="$value" ;; unpack) unpack="$value" ;; bytes) bytes="$value" ;; sha256) sha256="$value" ;;
      esac
    done
    printf '\n%s tar=%s unpack=%s bytes=%s sha256=%s end\n' "$nonce" "$tar" "$unpack" "$bytes" "$sha256" >&2
  }
}
exit 0
