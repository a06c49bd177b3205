# Says whose a folder of a volume is and what of it cannot be moved, one `key value` line each. Arguments: the volume, the
# folder in it, `read` or `write`.
set -u
export LC_ALL=C
cd "$1" || exit 66
# A name may hold anything.
fixed() { printf 'fixed %s\n' "$(printf %s "$1" | tr '\n' '?')"; }
df -Pk . | awk 'NR == 2 { print "used " $3; print "free " $4 }'
for journal in .pgbackup-journal-*; do
  if [ -f "$journal" ]; then echo "journal ${journal#.pgbackup-journal-} $(sed -n 's/^phase //p' "$journal")"; fi
done
if ! [ -d "$2" ]; then
  echo absent
  above="$2"
  until [ -d "$above" ]; do
    case "$above" in */*) above="${above%/*}" ;; *) above=. ;; esac
  done
  if [ "$3" = write ] && ! [ -w "$above" ]; then fixed "$above"; fi
  exit 0
fi
if ! [ -r "$2" ] || ! [ -x "$2" ]; then echo "closed $(stat -c '%u:%g' "$2")"; exit 0; fi
if [ "$3" = write ] && ! [ -w "$2" ]; then fixed "$2"; fi
for entry in "$2"/* "$2"/.[!.]* "$2"/..?*; do
  [ -e "$entry" ] || [ -L "$entry" ] || continue
  case "${entry##*/}" in lost+found|.pgbackup-*) continue ;; esac
  echo "owner $(stat -c '%u:%g' "$entry")"
  if [ -d "$entry" ] && { ! [ -r "$entry" ] || ! [ -x "$entry" ]; } || [ -f "$entry" ] && ! [ -r "$entry" ]; then
    echo "closed $(stat -c '%u:%g' "$entry")"
  fi
  # A folder that moves is written: its way up is another one then.
  if [ "$3" = write ] && [ -d "$entry" ] && ! [ -L "$entry" ] && ! [ -w "$entry" ]; then fixed "${entry##*/}"; fi
done | sort -u
exit 0
