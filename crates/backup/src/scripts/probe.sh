# Says what this place can do, one `key value` line each. Connects as whoever the prelude set; `connect` is 0 when that
# worked, and its line carries psql's exit status otherwise.
for tool in zstd gzip sha256sum tee head wc; do
  if command -v "$tool" >/dev/null 2>&1; then echo "tool $tool"; fi
done
echo "containeruser ${POSTGRES_USER:-}"
echo "dump $(pg_dump --version 2>/dev/null)"
psql -X -q -A -t -w -c "select 'super ' || rolsuper || E'\n' || 'createdb ' || rolcreatedb || E'\n' || 'bypassrls ' || rolbypassrls || E'\n' || 'recovery ' || pg_is_in_recovery() || E'\n' || 'version ' || current_setting('server_version_num') from pg_roles where rolname = current_user"
echo "connect $?"
