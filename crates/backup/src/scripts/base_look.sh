# Says what a copy of the whole server would meet, one `key value` line each.
echo "client $(pg_basebackup --version 2>/dev/null)"
psql -X -q -A -t -w -v ON_ERROR_STOP=1 <<'SQL'
select 'replication ' || (rolreplication or rolsuper) from pg_roles where rolname = current_user;
select 'senders ' || current_setting('max_wal_senders');
select 'sending ' || count(*) from pg_stat_activity where backend_type = 'walsender';
select 'wallevel ' || current_setting('wal_level');
select 'walkeep ' || current_setting('wal_keep_size');
select 'checksums ' || current_setting('data_checksums');
select 'administrator ' || rolname from pg_roles where oid = 10;
select 'bytes ' || coalesce(sum(pg_database_size(oid)), 0) from pg_database
where has_database_privilege(oid, 'connect') or pg_has_role('pg_read_all_stats', 'usage');
select 'tablespace ' || quote_ident(spcname) from pg_tablespace where spcname not in ('pg_default', 'pg_global');
select 'elsewhere ' || setting from pg_settings
where name in ('config_file', 'hba_file', 'ident_file')
  and not starts_with(setting, (select setting from pg_settings where name = 'data_directory') || '/');
SQL
echo "connect $?"
