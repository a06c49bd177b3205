# Writes roles and tablespaces without passwords as SQL; ends like dump.sh, with a marked line. Argument: nonce.
nonce="$1"
exec 9>&1
{
  {
    { { pg_dumpall --globals-only --no-role-passwords --no-password; echo "dump $?" >&5; } | tee /dev/fd/7 /dev/fd/8 >&9
    } 8>&1 | { wc -c | { read -r count _; echo "bytes $count"; } >&5; }
  } 7>&1 | { sha256sum | { read -r hash _; echo "sha256 $hash"; } >&5; }
} 5>&1 | {
  dump= bytes= sha256=
  while read -r key value; do
    case "$key" in dump) dump="$value" ;; bytes) bytes="$value" ;; sha256) sha256="$value" ;; esac
  done
  printf '\n%s dump=%s bytes=%s sha256=%s end\n' "$nonce" "$dump" "$bytes" "$sha256" >&2
}
exit 0
