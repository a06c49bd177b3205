# Holds the application back until its database is ready for it, and ends then. Argument: the file that says so.
trap 'exit 1' TERM INT
until [ -e "$1" ]; do sleep 0.2 & wait "$!"; done
