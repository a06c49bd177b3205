# Says what this place and the server can do, one `key value` line each.
for tool in pg_dump pg_dumpall pg_restore psql zstd gzip sha256sum tee head wc tar; do
  if command -v "$tool" >/dev/null 2>&1; then echo "tool $tool"; fi
done
# Whether psql can be kept from running commands that stand in a text (CVE-2025-8714).
if psql --help=commands 2>/dev/null | grep -q '\\restrict '; then echo "tool psql-restricted"; fi
echo "client $(pg_dump --version 2>/dev/null)"
psql -X -q -A -t -w -v ON_ERROR_STOP=1 <<'SQL'
select 'user ' || current_user;
select 'superuser ' || rolsuper from pg_roles where rolname = current_user;
select 'version ' || current_setting('server_version');
select 'versionnum ' || current_setting('server_version_num');
select 'recovery ' || pg_is_in_recovery();
select 'bytes ' || pg_database_size(current_database());
select 'lsn ' || pg_current_wal_lsn() where not pg_is_in_recovery();
select 'notices' from pg_settings where name = 'client_connection_check_interval' and version() ~ 'linux';
select 'system ' || system_identifier from pg_control_system();
SQL
echo "connect $?"
