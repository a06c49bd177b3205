# Says who we are and whose a folder of a volume is, one `key value` line each. Arguments: the volume, the folder in it.
set -u
export LC_ALL=C
echo "us $(id -u):$(id -g)"
cd "$1" || exit 66
df -Pk . | awk 'NR == 2 { print "used " $3; print "free " $4 }'
for journal in .pgbackup-journal-*; do
  if [ -f "$journal" ]; then echo "journal ${journal#.pgbackup-journal-} $(sed -n 's/^phase //p' "$journal")"; fi
done
[ -d "$2" ] || { echo absent; exit 0; }
if ! [ -r "$2" ] || ! [ -x "$2" ]; then echo "closed $(stat -c '%u:%g' "$2")"; exit 0; fi
for entry in "$2"/* "$2"/.[!.]*; do
  [ -e "$entry" ] || [ -L "$entry" ] || continue
  case "${entry##*/}" in lost+found|.pgbackup-*) continue ;; esac
  echo "owner $(stat -c '%u:%g' "$entry")"
  if [ -d "$entry" ] && { ! [ -r "$entry" ] || ! [ -x "$entry" ]; } || [ -f "$entry" ] && ! [ -r "$entry" ]; then
    echo "closed $(stat -c '%u:%g' "$entry")"
  fi
done | sort -u
exit 0
