# Removes a folder, and the folders above it, up to the store's own, that hold nothing any more. Arguments: the store's
# folder, the folder below it.
set -u
folder="$1/$2"
rm -rf -- "$folder" || exit 1
folder="${folder%/*}"
while [ "${#folder}" -gt "${#1}" ]; do
  # Refused by the system where another backup is in it.
  rmdir -- "$folder" 2>/dev/null || break
  folder="${folder%/*}"
done
exit 0
