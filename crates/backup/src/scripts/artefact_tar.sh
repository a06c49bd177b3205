# Writes a folder of a volume as one packed tar to standard output, and says on standard error, in one line marked with our
# nonce, how every part of the pipeline ended, what left this place, and what the archive holds, which was read to its end.
# Writes no file. Arguments: nonce, codec, the folder.
nonce="$1" codec="$2" folder="$3"
set -u
export LC_ALL=C
case "$codec" in
  zstd) pack() { zstd -q -1 -T1 -c; } ;;
  gzip) pack() { gzip -1 -c; } ;;
  none) pack() { cat; } ;;
  *) exit 64 ;;
esac
cd "$folder" || exit 66
set -- .
for entry in ./lost+found ./.pgbackup-*; do
  if [ -e "$entry" ]; then set --; fi
done
# What is ours, or the file system's, is left out by naming the rest: not every tar can exclude.
if [ "$#" = 0 ]; then
  for entry in ./* ./.[!.]* ./..?*; do
    case "$entry" in ./lost+found|./.pgbackup-*) continue ;; esac
    if [ -e "$entry" ] || [ -L "$entry" ]; then set -- "$@" "$entry"; fi
  done
  if [ "$#" = 0 ]; then set -- --no-recursion .; fi
fi
hashed() { sha256sum | { read -r hash _; echo "$1 $hash" >&5; }; }
counted() { wc -c | { read -r count _; echo "$1 $count" >&5; }; }
exec 9>&1
# 3: the archive, read to its end; 4, 6: the archive, for its hash and count; 5: how each part ended; 7, 8: the packed
# stream, for its hash and count; 9: our standard output.
{
  {
    {
      {
        {
          {
            {
              { tar -cf - "$@"; echo "tar $?" >&5; } |
                tee /dev/fd/3 /dev/fd/4 /dev/fd/6 | { pack; echo "pack $?" >&5; } | tee /dev/fd/7 /dev/fd/8 >&9
            } 3>&1 | {
              { tar -tf -; echo "read $?" >&5; cat >/dev/null; } | wc -l | { read -r count _; echo "entries $count" >&5; }
            }
          } 4>&1 | hashed archive_sha256
        } 6>&1 | counted archive_bytes
      } 7>&1 | hashed sha256
    } 8>&1 | counted bytes
  } 5>&1 | {
    said=
    while read -r key value; do said="$said $key=$value"; done
    printf '\n%s%s end\n' "$nonce" "$said" >&2
  }
}
exit 0
