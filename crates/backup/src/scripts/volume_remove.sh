# Removes a file, whole or not; one that is not there is as good as removed. Argument: the path.
rm -f -- "$1.partial" "$1"
