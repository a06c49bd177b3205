# Copies the whole server as one tar to standard output, its backup_manifest inside as the last file, and says on standard
# error, in one line marked with our nonce, how every part of the pipeline ended and what left this place. Writes no file.
# Packing is ours: a server that packs by itself cannot put the manifest into its archive. Arguments: nonce, codec, rate
# in KiB/s or nothing, label.
#
# A client that vanishes closes our standard input; pg_basebackup must not outlive it.
nonce="$1" codec="$2" rate="$3" label="$4"
case "$codec" in
  zstd) pack() { zstd -q -1 -T1 -c; } ;;
  gzip) pack() { gzip -1 -c; } ;;
  none) pack() { cat; } ;;
  *) exit 64 ;;
esac
set -- --pgdata=- --format=tar --wal-method=fetch --checkpoint=fast --manifest-checksums=SHA256 --no-password \
  --label="$label"
if [ -n "$rate" ]; then set -- "$@" --max-rate="$rate"; fi
guarded_copy() {
  pg_basebackup "$@" &
  copy=$!
  ( while read -r _ <&3; do :; done; kill -TERM "$copy" ) >/dev/null 2>&1 5>&- 7>&- 8>&- 9>&- &
  guard=$!
  wait "$copy"
  ended=$?
  # In most containers the server is process 1 and inherits what is not waited for. A child that it does not know and
  # that was ended by a signal is a crashed session to it: it throws everybody out and recovers.
  kill "$guard" 2>/dev/null
  wait "$guard" 2>/dev/null
  return "$ended"
}
exec 3<&0 9>&1
# 3: the client's line; 5: how each part ended; 7, 8: copies of the packed stream for the hash and the count; 9: our
# standard output.
{
  {
    {
      { guarded_copy "$@"; echo "copy $?" >&5; } | { pack; echo "pack $?" >&5; } | tee /dev/fd/7 /dev/fd/8 >&9
    } 8>&1 | { wc -c | { read -r count _; echo "bytes $count"; } >&5; }
  } 7>&1 | { sha256sum | { read -r hash _; echo "sha256 $hash"; } >&5; }
} 5>&1 | {
  copy= pack= bytes= sha256=
  while read -r key value; do
    case "$key" in
      copy) copy="$value" ;; pack) pack="$value" ;; bytes) bytes="$value" ;; sha256) sha256="$value" ;;
    esac
  done
  printf '\n%s copy=%s pack=%s bytes=%s sha256=%s end\n' "$nonce" "$copy" "$pack" "$bytes" "$sha256" >&2
}
exit 0
