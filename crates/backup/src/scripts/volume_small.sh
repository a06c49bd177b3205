# Writes a small file to standard output, and says on standard error whether there is one. Arguments: nonce, path.
set -u
nonce="$1" file="$2"
if [ ! -e "$file" ]; then
  printf '\n%s state=absent end\n' "$nonce" >&2
  exit 0
fi
cat -- "$file"
printf '\n%s state=%s end\n' "$nonce" "$?" >&2
