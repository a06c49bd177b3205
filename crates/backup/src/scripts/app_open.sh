# Lets the application start. Argument: the file that says so.
: >"$1"
