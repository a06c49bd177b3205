# A client that vanishes closes our standard input; whatever runs here must not outlive it. The client writes a line now
# and then, so that no proxy on the way takes a quiet connection for a dead one.
end_all() {
  trap '' TERM
  # shellcheck disable=SC2046 # the job's process ids are words
  kill -TERM -- "-$$" 2>/dev/null || kill -TERM $(jobs -p) 2>/dev/null
  exit 143
}
trap end_all HUP INT TERM
exec 3<&0
