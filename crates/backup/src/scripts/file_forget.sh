# Removes the part of a file that was not written whole. Arguments: the part's path.
rm -f "$1"
