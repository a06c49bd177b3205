# Writes a file beside its name and gives it the name once all of it is there, never in the place of another. Standard
# input comes in pieces: a line with the size, then so many bytes; empty lines are signs of life; the last line is `end`
# with bytes and sha256 of the whole. What is written is counted and hashed here. Arguments: nonce, path.
set -u
umask 077
nonce="$1" file="$2" part="$2.partial"
say() {
  printf '\n%s state=%s bytes=%s sha256=%s end\n' "$nonce" "$1" "${count:-}" "${sum:-}" >&2
  exit 0
}
fail() { rm -f -- "$part"; say "$1"; }
if [ -e "$file" ]; then say exists; fi
# Reads exactly so many bytes, and not those behind them.
exactly() {
  blocks=$(($1 / 65536)) rest=$(($1 % 65536))
  [ "$blocks" = 0 ] || dd bs=65536 count="$blocks" iflag=fullblock 2>/dev/null
  [ "$rest" = 0 ] || dd bs="$rest" count=1 iflag=fullblock 2>/dev/null
}
receive() {
  while IFS= read -r line; do
    case "$line" in
      '') ;;
      'end '*) echo "said ${line#end }" >&5; return 0 ;;
      *[!0-9]*) return 65 ;;
      *) exactly "$line" | tee -a -- "$part" || return 66 ;;
    esac
  done
  # The client is gone.
  return 67
}
: >"$part" || fail create
exec 3<&0
said=$({ { receive <&3; echo "receive $?" >&5; } | sha256sum | { read -r sum _; echo "sum $sum" >&5; }; } 5>&1)
value() { printf '%s\n' "$said" | sed -n "s/^$1 //p"; }
sum=$(value sum) count=$(($(wc -c <"$part")))
case "$(value receive)" in 0) ;; 67) fail gone ;; *) fail write ;; esac
if [ "$(value said)" != "$count $sum" ]; then fail differs; fi
sync "$part" 2>/dev/null || sync
if ln -- "$part" "$file" 2>/dev/null; then
  rm -f -- "$part"
elif [ -e "$file" ]; then
  fail exists
else
  # Some file systems know no links.
  mv -- "$part" "$file" || fail rename
fi
sync "${file%/*}" 2>/dev/null
say done
