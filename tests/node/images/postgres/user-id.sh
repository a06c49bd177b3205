# Gives user and group postgres the number that charts for the customary PostgreSQL image run as (the first argument).
# Whoever has that number in this suite gets a free one, with all that belongs to it.
set -eu
wanted=$1
spare=64099

holder=$(getent group "$wanted" | cut -d: -f1)
if [ -n "$holder" ] && [ "$holder" != postgres ]; then
    groupmod --gid "$spare" "$holder"
    find / -xdev -gid "$wanted" -exec chgrp -h "$holder" {} +
fi
holder=$(getent passwd "$wanted" | cut -d: -f1)
if [ -n "$holder" ] && [ "$holder" != postgres ]; then
    usermod --uid "$spare" "$holder"
    find / -xdev -uid "$wanted" -exec chown -h "$holder" {} +
fi
groupmod --gid "$wanted" postgres
usermod --uid "$wanted" --gid "$wanted" postgres

mkdir -p /var/lib/postgresql/data /var/run/postgresql
chown -R postgres:postgres /var/lib/postgresql /var/run/postgresql
chmod 1777 /var/lib/postgresql/data
chmod 3777 /var/run/postgresql
