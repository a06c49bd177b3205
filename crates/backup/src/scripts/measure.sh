# Sends bytes, to be timed by whoever receives them. Argument: how many.
head -c "$1" /dev/zero
