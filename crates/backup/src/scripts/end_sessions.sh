# Ends what a broken-off act left on the server. Argument: the application name of the sessions to end.
psql -X -q -A -t -w -v ON_ERROR_STOP=1 -v application="$1" <<'SQL'
select count(pg_terminate_backend(pid)) from pg_stat_activity
where application_name = :'application' and pid <> pg_backend_pid();
SQL
