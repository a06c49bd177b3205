# Says what is at a path. Arguments: nonce, path.
set -u
nonce="$1" file="$2"
kind=absent bytes= mode=
if [ -d "$file" ]; then
  kind=folder
elif [ -f "$file" ]; then
  kind=file
  if [ ! -r "$file" ]; then
    kind=unreadable
  else
    # Some systems have no stat, or one that knows other options.
    if said=$(stat -L -c '%s %a' -- "$file" 2>/dev/null); then bytes="${said%% *}" mode="${said##* }"; fi
    case "$bytes" in '' | *[!0-9]*) bytes=$(($(wc -c <"$file"))) ;; esac
    case "$mode" in *[!0-7]*) mode= ;; esac
  fi
elif [ -e "$file" ]; then
  kind=special
elif [ -L "$file" ]; then
  kind=dangling
fi
printf '\n%s kind=%s bytes=%s mode=%s end\n' "$nonce" "$kind" "$bytes" "$mode" >&2
exit 0
