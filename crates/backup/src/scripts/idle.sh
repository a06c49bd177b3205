# Waits for whatever is run beside it, and ends when it is told to or when its time is up. Argument: seconds.
trap 'exit 0' TERM
sleep "$1" &
wait
