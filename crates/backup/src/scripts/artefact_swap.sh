# Puts unpacked files into the place of a folder of a volume, whose content is moved aside and never removed. Every step is
# written into a journal on the volume before the next begins, so that a killed run is carried on by the same command.
# Arguments: the volume, the restore's id, the folder in it (. for the volume itself).
volume="$1" id="$2" data="$3"
set -eu
umask 077
cd "$volume"
incoming=".pgbackup-incoming-$id"
aside=".pgbackup-pre-$id"
journal=".pgbackup-journal-$id"
phase=
if [ -f "$journal" ]; then phase="$(sed -n 's/^phase //p' "$journal")"; fi
say() {
  printf 'data %s\naside %s\nphase %s\n' "$data" "$aside" "$1" >"$journal.new"
  mv "$journal.new" "$journal"
  sync
  phase="$1"
}
# Moves everything but our own out of a folder that may be the volume itself, which cannot be renamed.
move_all() {
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    case "${entry##*/}" in lost+found|.pgbackup-*) continue ;; esac
    if [ -e "$entry" ] || [ -L "$entry" ]; then
      to="$2/${entry##*/}"
      # Somebody has made it since a run that was killed had moved its namesake.
      if [ -e "$to" ] || [ -L "$to" ]; then echo "$to is there already; nothing was overwritten" >&2; exit 69; fi
      mv "$entry" "$2/"
    fi
  done
}
if [ "$phase" = done ]; then echo "aside $aside"; exit 0; fi
if [ -z "$phase" ]; then
  [ -d "$incoming" ] || { echo "nothing was unpacked into $incoming" >&2; exit 67; }
  # An empty one was made by an attempt that was killed before it moved anything.
  if [ -e "$aside" ] && ! rmdir "$aside" 2>/dev/null; then echo "$aside is there already" >&2; exit 68; fi
  mkdir "$aside"
  say unpacked
fi
if [ "$phase" = unpacked ]; then
  if [ -d "$data" ]; then move_all "$data" "$aside"; fi
  say aside
fi
if [ "$phase" = aside ]; then
  mkdir -p "$data"
  move_all "$incoming" "$data"
  rmdir "$incoming"
  say done
fi
echo "aside $aside"
