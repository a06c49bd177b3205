# Makes roles that cannot log in and an empty database, on a throw-away server. Arguments: database, roles as a JSON array.
psql -X -q -A -t -w -v ON_ERROR_STOP=1 -v name="$1" -v roles="$2" <<'SQL'
select format('create role %I', value) from json_array_elements_text(:'roles')
where value not in (select rolname from pg_roles) \gexec
create database :"name" template template0;
SQL
