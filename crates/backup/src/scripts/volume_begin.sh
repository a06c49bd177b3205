# Makes a folder for a backup, with those above it; refuses one that is there already. Argument: the folder.
set -u
umask 077
mkdir -p -- "${1%/*}" || exit 1
if [ -e "$1" ]; then exit 44; fi
mkdir -- "$1"
