# Names the databases that may be connected to and are no templates, as a JSON array.
exec psql -X -q -A -t -w -v ON_ERROR_STOP=1 <<'SQL'
select coalesce(pg_catalog.json_agg(datname order by datname collate "C"), '[]'::json)
from pg_catalog.pg_database where datallowconn and not datistemplate
SQL
