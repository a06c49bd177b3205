#!/bin/bash
# Starts PostgreSQL in a container and makes the cluster first when there is none.
#
# It understands the variables that the widely used PostgreSQL image made customary: POSTGRES_USER, POSTGRES_PASSWORD
# (or POSTGRES_PASSWORD_FILE), POSTGRES_DB, POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD and PGDATA, and it runs the
# *.sql and *.sh files of /docker-entrypoint-initdb.d once, right after the cluster was made.
# It starts as root (and becomes postgres) or as postgres; the root file system may be read-only.
set -euo pipefail

# Arguments that are only options belong to the server.
if [[ $# -eq 0 || $1 == -* ]]; then
    set -- postgres "$@"
fi
if [[ $1 != postgres ]]; then
    exec "$@"
fi

if [[ $(id -u) == 0 ]]; then
    mkdir -p "$PGDATA"
    chown -R postgres:postgres "$PGDATA"
    chown postgres:postgres /var/run/postgresql 2>/dev/null || true
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi

# The server's socket goes where clients look for it, unless that folder cannot be written.
sockets=/var/run/postgresql
if [[ ! -w $sockets ]]; then
    sockets=$PGDATA
fi

superuser=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$superuser}

make_cluster() {
    local password=${POSTGRES_PASSWORD:-}
    if [[ -n ${POSTGRES_PASSWORD_FILE:-} ]]; then
        password=$(<"$POSTGRES_PASSWORD_FILE")
    fi
    local host_method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    if [[ -z $password && $host_method != trust ]]; then
        echo "set POSTGRES_PASSWORD for the superuser, or POSTGRES_HOST_AUTH_METHOD=trust" >&2
        exit 1
    fi
    local extra=()
    read -r -a extra <<<"${POSTGRES_INITDB_ARGS:-}"
    local with_password=()
    if [[ -n $password ]]; then
        with_password=(--pwfile=/dev/stdin)
    fi
    initdb --pgdata="$PGDATA" --username="$superuser" --encoding=UTF8 --locale=C.UTF-8 \
        "${with_password[@]}" "${extra[@]}" <<<"$password"
    printf '\nhost all all all %s\nhost replication all all %s\n' "$host_method" "$host_method" >>"$PGDATA/pg_hba.conf"
}

prepare_database() {
    # Nobody from outside may connect before the cluster is ready, so the server listens on its socket alone.
    pg_ctl --pgdata="$PGDATA" --wait --options="-c listen_addresses='' -c unix_socket_directories='$sockets'" start
    local client=(psql --no-psqlrc --set=ON_ERROR_STOP=1 --host="$sockets" --username="$superuser")
    if [[ $database != postgres ]]; then
        createdb --host="$sockets" --username="$superuser" --maintenance-db=postgres -- "$database"
    fi
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sql) "${client[@]}" --dbname="$database" --file="$file" ;;
            *.sh) bash "$file" ;;
        esac
    done
    pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
}

if [[ ! -s $PGDATA/PG_VERSION ]]; then
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA"
    make_cluster
    prepare_database
fi
chmod 0700 "$PGDATA"

exec "$@" -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories="$sockets"
