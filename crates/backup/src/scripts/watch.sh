# Looks at a dump at work, once for every question on standard input, for as long as somebody asks. Argument: the
# application name of the dump's sessions. The questions are constant; the name reaches them as a variable.
exec psql -X -q -A -t -w -v application="$1"
