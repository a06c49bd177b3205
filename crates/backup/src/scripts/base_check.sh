# Compares an unpacked copy with the list that is in it, where the server's program for that is there, and asks its control
# file. Argument: the folder.
folder="$1"
set -eu
export LC_ALL=C
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
chmod 0700 "$folder"
if command -v pg_verifybackup >/dev/null 2>&1; then pg_verifybackup --quiet "$folder"; fi
state="$(pg_controldata "$folder" | sed -n 's/^Database cluster state: *//p')"
# A copy of a running server says so until it has recovered.
[ "$state" = "in production" ] || { echo "the control file says: $state" >&2; exit 1; }
