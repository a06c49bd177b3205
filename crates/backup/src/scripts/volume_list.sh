# Lists the files that lie so many steps below a folder of the volume, one `size path` line each, and `end` behind the
# last: a list that broke off must not be taken for a short one. Arguments: the folder, steps.
set -u
export LC_ALL=C
denied=
walk() {
  if [ "$2" = 1 ]; then
    # What vanishes meanwhile, or matched nothing, is no file.
    stat -L -c '%F|%s %n' -- "$1"/* "$1"/.[!.]* "$1"/..?* 2>/dev/null | sed -n 's/^regular[a-z ]*file|//p'
    return
  fi
  for below in "$1"/*; do
    [ -d "$below" ] || continue
    if [ -r "$below" ] && [ -x "$below" ]; then
      walk "$below" "$(($2 - 1))"
    elif [ -d "$below" ]; then
      denied="$below"
    fi
  done
}
if [ -d "$1" ]; then
  if [ -r "$1" ] && [ -x "$1" ]; then walk "$1" "$2"; else denied="$1"; fi
fi
if [ -n "$denied" ]; then
  echo "$denied may not be looked into by user $(id -u)" >&2
  exit 1
fi
echo end
