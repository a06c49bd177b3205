# Waits for commands until the pod's deadline.
trap 'exit 0' TERM INT
while :; do sleep 3600 & wait "$!"; done
