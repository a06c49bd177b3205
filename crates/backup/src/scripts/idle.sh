# Waits for whatever is run beside it, and ends when it is told to or when its time is up. Argument: seconds.
#
# The container ends with this, and all that runs in it by a signal that cannot be caught: a pg_dump that is ended so
# leaves its session behind. It gets a moment to end by itself.
trap 'sleep 5; exit 0' TERM
sleep "$1" &
wait
