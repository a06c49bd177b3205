# Writes standard input beside a file, proves it and only then gives it the file's name. Arguments: nonce, path, name of
# the part, bytes, sha256, CRC of cksum, mode, overwrite (yes or no).
set -u
umask 077
nonce="$1" file="$2" part="$3" size="$4" sha256="$5" cksum="$6" mode="$7" overwrite="$8"
say() {
  printf '\n%s state=%s proof=%s bytes=%s sum=%s end\n' "$nonce" "$1" "${proof:-}" "${count:-}" "${sum:-}" >&2
  exit 0
}
fail() { rm -f "$part"; say "$1"; }
# What is sent must be read even where nothing is made of it: the way here stands still with it, and our word too.
refuse() { head -c "$size" >/dev/null; say "$1"; }
if [ -d "$file" ]; then refuse folder; fi
if [ -L "$file" ]; then refuse link; fi
if [ -e "$file" ] && [ ! -f "$file" ]; then refuse special; fi
if [ -e "$file" ] && [ "$overwrite" != yes ]; then refuse exists; fi
if [ -e "$part" ]; then refuse part; fi
# Whatever ends this script, the part goes with it.
trap 'rm -f "$part"; exit 1' HUP INT TERM PIPE
head -c "$size" | { cat >"$part"; ended=$?; cat >/dev/null; exit "$ended"; } || fail write
count=$(($(wc -c <"$part"))) || fail write
if [ "$count" != "$size" ]; then fail short; fi
if command -v sha256sum >/dev/null 2>&1; then
  sum=$(sha256sum <"$part") sum="${sum%% *}" proof=sha256
  if [ "$sum" != "$sha256" ]; then fail differs; fi
elif command -v cksum >/dev/null 2>&1; then
  sum=$(cksum <"$part") sum="${sum%% *}" proof=cksum
  if [ "$sum" != "$cksum" ]; then fail differs; fi
else
  proof=bytes
fi
chmod "$mode" "$part" || fail mode
sync "$part" 2>/dev/null || :
if [ "$overwrite" = yes ]; then
  mv -f "$part" "$file" || fail rename
elif ln "$part" "$file" 2>/dev/null; then
  rm -f "$part"
elif [ -e "$file" ] || [ -L "$file" ]; then
  # Somebody else made it while ours was on its way.
  fail exists
else
  # Some file systems know no links.
  mv "$part" "$file" || fail rename
fi
say done
