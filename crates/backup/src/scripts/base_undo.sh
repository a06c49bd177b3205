# Moves the data directory back that a restore had moved aside; what the restore had put there is moved aside instead.
# Arguments: the volume, the restore's id.
volume="$1" id="$2"
set -eu
umask 077
cd "$volume"
[ -f .pgbackup-restore ] || { echo "no restore was done in this volume" >&2; exit 67; }
said() { sed -n "s/^$1 //p" .pgbackup-restore; }
[ "$(said id)" = "$id" ] || { echo "the last restore in this volume is $(said id)" >&2; exit 68; }
data="$(said data)" aside="$(said aside)" phase="$(said phase)"
if [ "$data" = . ]; then undone="pgdata.undone-$id"; else undone="$data.undone-$id"; fi
say() {
  printf 'id %s\ndata %s\naside %s\nphase %s\n' "$id" "$data" "$aside" "$1" >.pgbackup-restore.new
  mv .pgbackup-restore.new .pgbackup-restore
  sync
  phase="$1"
}
move_all() {
  for entry in "$1"/* "$1"/.[!.]*; do
    name="${entry##*/}"
    case "$name" in lost+found|.pgbackup-*|pgdata.pre-*|pgdata.undone-*) continue ;; esac
    if [ -e "$entry" ] || [ -L "$entry" ]; then mv "$entry" "$2/"; fi
  done
}
case "$phase" in done|undoing|back) ;; undone) echo "aside $undone"; exit 0 ;; *) echo "that restore is at $phase: carry it on first" >&2; exit 69 ;; esac
if [ "$phase" = done ]; then
  [ -d "$aside" ] || { echo "$aside is gone" >&2; exit 70; }
  say undoing
fi
if [ "$phase" = undoing ]; then
  if [ "$data" = . ]; then mkdir -p "$undone"; move_all . "$undone"; elif [ -e "$data" ]; then mv "$data" "$undone"; fi
  say back
fi
if [ "$phase" = back ]; then
  if [ "$data" = . ]; then move_all "$aside" .; rmdir "$aside"; elif [ -e "$aside" ]; then mv "$aside" "$data"; fi
  say undone
fi
echo "aside $undone"
