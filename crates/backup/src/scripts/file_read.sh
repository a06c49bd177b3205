# Writes a part of a file to standard output. Arguments: path, how many MiB to leave out, how many bytes after them.
# Whether all of it arrived is judged by the hash, in a command of its own.
set -u
file="$1" skip="$2" size="$3"
# dd finds the place without reading what is before it, and counts in 64 bits where tail of small systems does not.
dd bs=1048576 skip="$skip" <"$file" 2>/dev/null | head -c "$size"
