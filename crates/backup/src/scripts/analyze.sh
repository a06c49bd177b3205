# Gives the planner its statistics, which a restored database does not have.
psql -X -q -A -t -w -v ON_ERROR_STOP=1 -c ANALYZE
