# Replaces what a role owns in the database of the connection string by an archive on standard input: all of it or
# nothing. Everything is one transaction of psql whose COMMIT is written only after the archive has come to its end, so that
# a stream that breaks off within the rows of a table commits nothing. Ends like restore.sh, with a marked line. Arguments:
# nonce, codec, bytes, connection string.
nonce="$1" codec="$2" size="$3" connection="$4"
case "$codec" in
  zstd) unpack() { zstd -q -d -c; } ;;
  gzip) unpack() { gzip -d -c; } ;;
  none) unpack() { cat; } ;;
  *) exit 64 ;;
esac
exec 3<&0
# 4: what psql is to run; 5: how each part ended; 7, 8: copies of the stream for the hash and the count.
{
  {
    {
      {
        {
          cat <<'SQL'
begin;
set local client_min_messages = warning;
do $in_place$
declare
  name text;
begin
  for name in
    select format('drop schema %I cascade', nspname) from pg_catalog.pg_namespace
    where nspowner = current_user::regrole and nspname !~ '^pg_' and nspname <> 'information_schema'
  loop execute name; end loop;
  for name in
    select format('drop %s if exists %s cascade', case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
        when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end, c.oid::regclass)
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relowner = current_user::regrole and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname !~ '^pg_'
      and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('e', 'i'))
    order by c.oid desc
  loop execute name; end loop;
  for name in
    select format('drop routine if exists %s cascade', p.oid::regprocedure)
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where p.proowner = current_user::regrole and n.nspname !~ '^pg_'
      and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  loop execute name; end loop;
  for name in
    select format('drop type if exists %s cascade', t.oid::regtype)
    from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
      left join pg_catalog.pg_class c on c.oid = t.typrelid
    where t.typowner = current_user::regrole and n.nspname !~ '^pg_' and t.typelem = 0
      and (t.typtype in ('d', 'e', 'r') or (t.typtype = 'c' and c.relkind = 'c'))
      and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype in ('e', 'i'))
  loop execute name; end loop;
  perform pg_catalog.lo_unlink(oid) from pg_catalog.pg_largeobject_metadata where lomowner = current_user::regrole;
end
$in_place$;
SQL
          head -c "$size" <&3 | tee /dev/fd/7 /dev/fd/8 | { unpack; echo "unpack $?" >&5; } | {
            # In one transaction: else it would end ours around the large objects. Its own COMMIT is the last that it writes.
            pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --file=-
            echo "read $?" >&5
            cat >/dev/null
          }
        } | { psql -X -q -w -v ON_ERROR_STOP=1 --dbname="$connection" --file=- >/dev/null; echo "restore $?" >&5; cat >/dev/null; }
      } 8>&1 | { wc -c | { read -r count _; echo "bytes $count"; } >&5; }
    } 7>&1 | { sha256sum | { read -r hash _; echo "sha256 $hash"; } >&5; }
  } 5>&1 | {
    restore= read= unpack= bytes= sha256=
    while read -r key value; do
      case "$key" in
        restore) restore="$value" ;; read) read="$value" ;; unpack) unpack="$value" ;;
        bytes) bytes="$value" ;; sha256) sha256="$value" ;;
      esac
    done
    printf '\n%s restore=%s read=%s unpack=%s bytes=%s sha256=%s end\n' \
      "$nonce" "$restore" "$read" "$unpack" "$bytes" "$sha256" >&2
  }
}
exit 0
