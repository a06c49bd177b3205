# Puts an unpacked copy into the place of a data directory, which is moved aside and never removed. Every step is written
# into a journal on the volume before the next begins, so that a killed run is carried on by the same command.
# Arguments: the volume, the restore's id, the data directory, whose configuration (keep or from-backup).
volume="$1" id="$2" data="$3" conf="$4"
set -eu
umask 077
cd "$volume"
incoming=".pgbackup-incoming-$id"
if [ "$data" = . ]; then aside="pgdata.pre-$id"; else aside="$data.pre-$id"; fi
phase=
if [ -f .pgbackup-restore ]; then
  found="$(sed -n 's/^id //p' .pgbackup-restore)"
  if [ "$found" = "$id" ]; then phase="$(sed -n 's/^phase //p' .pgbackup-restore)"; fi
fi
say() {
  printf 'id %s\ndata %s\naside %s\nphase %s\n' "$id" "$data" "$aside" "$1" >.pgbackup-restore.new
  mv .pgbackup-restore.new .pgbackup-restore
  sync
  phase="$1"
}
# Moves everything but our own files and older copies out of a folder that is the volume itself and cannot be renamed.
move_all() {
  for entry in "$1"/* "$1"/.[!.]*; do
    name="${entry##*/}"
    case "$name" in lost+found|.pgbackup-*|pgdata.pre-*|pgdata.undone-*) continue ;; esac
    if [ -e "$entry" ] || [ -L "$entry" ]; then mv "$entry" "$2/"; fi
  done
}
if [ -z "$phase" ] || [ "$phase" = done ] || [ "$phase" = undone ]; then
  [ -f "$incoming/PG_VERSION" ] || { echo "nothing was unpacked into $incoming" >&2; exit 67; }
  if [ -e "$aside" ]; then echo "$aside is there already" >&2; exit 68; fi
  if [ "$conf" = keep ]; then
    for name in pg_hba.conf pg_ident.conf postgresql.conf postgresql.auto.conf; do
      if [ -f "$data/$name" ]; then
        if [ -f "$incoming/$name" ]; then mv "$incoming/$name" "$incoming/$name.from-backup"; fi
        cp -p "$data/$name" "$incoming/$name"
        echo "kept $name"
      fi
    done
  fi
  chmod g-s,u=rwx,go= "$incoming"
  say unpacked
fi
if [ "$phase" = unpacked ]; then
  if [ "$data" = . ]; then
    mkdir -p "$aside"
    move_all . "$aside"
  elif [ -e "$data" ]; then
    mv "$data" "$aside"
  fi
  say aside
fi
if [ "$phase" = aside ]; then
  if [ "$data" = . ]; then
    move_all "$incoming" .
    rmdir "$incoming"
  elif [ -e "$incoming" ]; then
    mkdir -p "$(dirname "$data")"
    mv "$incoming" "$data"
  fi
  say done
fi
echo "aside $aside"
