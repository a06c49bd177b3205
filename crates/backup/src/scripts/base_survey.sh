# Says what is in a volume: data directories with their owners and states, room, and how far a restore of ours got.
# Arguments: the volume, a path in it or nothing.
volume="$1" path="$2"
set -u
export LC_ALL=C
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
cd "$volume" || exit 66
echo "us $(id -u):$(id -g)"
echo "free $(df -Pk . | awk 'NR == 2 { print $4 }')"
if [ -f .pgbackup-restore ]; then sed 's/^/journal /' .pgbackup-restore; fi
look() {
  case "$1" in *.pre-*|*.undone-*|.pgbackup-*) return ;; esac
  [ -d "$1" ] || return
  if ! [ -x "$1" ] || ! [ -r "$1" ]; then echo "closed $(stat -c '%u:%g' "$1") $1"; return; fi
  if [ -f "$1/PG_VERSION" ] && [ -f "$1/global/pg_control" ]; then
    # Mounting with a group may have opened the folder to that group, and a server refuses to start in such a one.
    case "$1/$(stat -c %a "$1")" in ./*|*/700|*/750) ;; *) chmod g-s,u=rwx,go= "$1" ;; esac
    echo "data $1"
    echo "owner $(stat -c '%u:%g' "$1/PG_VERSION")"
    echo "version $(cat "$1/PG_VERSION")"
    pg_controldata "$1" | sed -n 's/^Database system identifier: */system /p; s/^Database cluster state: */state /p'
    for name in pg_hba.conf pg_ident.conf postgresql.conf postgresql.auto.conf; do
      if [ -f "$1/$name" ]; then echo "conf $name"; fi
    done
  fi
}
if [ -n "$path" ]; then
  look "$path"
else
  look .
  for folder in * */*; do look "$folder"; done
fi
exit 0
