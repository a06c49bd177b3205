# Says which programs are there, and the major version of the server's own.
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
for tool in zstd gzip tar head tee wc sha256sum pg_verifybackup pg_controldata pg_ctl psql pg_dump; do
  if command -v "$tool" >/dev/null 2>&1; then echo "tool $tool"; fi
done
echo "version $(postgres --version 2>/dev/null | sed 's/^[^0-9]*//; s/[^0-9].*//')"
