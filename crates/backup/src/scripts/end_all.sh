# Ends every session of one act of ours. Argument: the application name that the act's sessions begin with.
psql -X -q -A -t -w -v ON_ERROR_STOP=1 -v application="$1" <<'SQL'
select count(pg_terminate_backend(pid)) from pg_stat_activity
where (application_name = :'application' or starts_with(application_name, :'application' || '/'))
  and pid <> pg_backend_pid();
SQL
