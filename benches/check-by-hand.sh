#!/bin/sh
# What a careful person looks at before an upgrade, with helm, kubectl and psql, one after the other: the evidence that
# `kubectl upgrade-check RELEASE CHART` gathers. It judges nothing.
#
#   HELM=helm KUBECTL=kubectl OUT=folder sh check-by-hand.sh RELEASE CHART NAMESPACE POD USER DATABASE
set -u
release=$1 chart=$2 namespace=$3 pod=$4 user=$5 database=$6
: "${HELM:=helm}" "${KUBECTL:=kubectl}" "${OUT:?a folder for what is gathered}"
mkdir -p "$OUT"

# keep NAME COMMAND...: what the command says, as a file. What cannot be had is kept as its error.
keep() {
  name=$1
  shift
  "$@" >"$OUT/$name" 2>&1 || true
}
helm() { "$HELM" --namespace "$namespace" "$@"; }
kubectl() { "$KUBECTL" --namespace "$namespace" "$@"; }
sql() { kubectl exec "$pod" -- psql -XAtq -U "$user" -d "$database" -c "$1"; }

# Helm: what runs, what was, what it would become.
keep version helm version
keep status helm status "$release" -o json
keep history helm history "$release" -o json
keep values helm get values "$release" -o yaml
keep manifest helm get manifest "$release"
keep hooks helm get hooks "$release"
keep chart helm show chart "$chart"
keep defaults helm show values "$chart"
helm template "$release" "$chart" --is-upgrade --no-hooks -f "$OUT/values" >"$OUT/rendered" 2>&1
keep dry-run helm upgrade "$release" "$chart" --reset-then-reuse-values --dry-run=server
keep diff kubectl apply --server-side --field-manager=helm --dry-run=server -f "$OUT/rendered"

# Kubernetes: what runs, what could be in the way.
keep server kubectl version -o json
keep cluster kubectl get namespace kube-system -o json
keep workloads kubectl get deployments,statefulsets,daemonsets,cronjobs -o json
keep pods kubectl get pods -o json
keep jobs kubectl get jobs -o json
keep scalers kubectl get horizontalpodautoscalers -o json
keep budgets kubectl get poddisruptionbudgets -o json
keep quotas kubectl get resourcequotas,limitranges -o json
keep services kubectl get services -o json
keep claims kubectl get persistentvolumeclaims -o json
keep secrets kubectl get secrets -o name
keep leases kubectl get leases -o json
keep configmaps kubectl get configmaps -o name
keep events kubectl get events
keep kinds kubectl api-resources
keep snapshots kubectl get volumesnapshots
keep operators kubectl get backups.postgresql.cnpg.io,backups.velero.io,schedules.k8up.io

# Rights: every one that an upgrade needs, since `--list` may leave some out.
: >"$OUT/rights"
for right in \
  "create secrets" "get secrets" "list secrets" "update secrets" "patch secrets" "delete secrets" \
  "create configmaps" "get configmaps" "update configmaps" "patch configmaps" \
  "create leases" "get leases" "update leases" "patch leases" "delete leases" \
  "get pods" "list pods" "watch pods" "get pods/log" "patch pods/status" \
  "get pods/exec" "create pods/exec" "get pods/portforward" "create pods/portforward" \
  "create jobs" "get jobs" "list jobs" "watch jobs" "patch jobs" "delete jobs" \
  "get deployments" "list deployments" "watch deployments" "create deployments" "patch deployments" \
  "get deployments/scale" "patch deployments/scale" \
  "get statefulsets" "list statefulsets" "watch statefulsets" "create statefulsets" "patch statefulsets" \
  "get statefulsets/scale" "patch statefulsets/scale" "list horizontalpodautoscalers"; do
  # shellcheck disable=SC2086
  printf '%s: ' "$right" >>"$OUT/rights"
  # shellcheck disable=SC2086
  kubectl auth can-i $right >>"$OUT/rights" 2>&1 || true
done

# The database.
keep postgres sql "select version(), pg_is_in_recovery(), current_setting('max_connections')"
keep size sql "select pg_database_size(current_database())"
keep room kubectl exec "$pod" -- df -k /var/lib/postgresql
keep sessions sql "select pid, usename, application_name, client_addr, state, xact_start from pg_stat_activity"
keep locks sql "select pid, mode, relation::regclass, granted from pg_locks"
keep waits sql "select pid, pg_blocking_pids(pid) from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0"
keep prepared sql "select gid, owner, prepared from pg_prepared_xacts"
keep migrations sql "select * from goose_db_version order by id desc limit 5"
keep roles sql "select rolname, rolsuper, rolcreatedb, rolreplication from pg_roles where rolname = current_user"
keep slots sql "select slot_name, slot_type, active, database from pg_replication_slots"
keep subscriptions sql "select count(*) from pg_stat_subscription"
keep extensions sql "select extname, extversion from pg_extension"
keep tables sql "select relname, n_live_tup, n_dead_tup, last_autovacuum from pg_stat_user_tables"
keep indexes sql "select indexrelid::regclass from pg_index where not indisvalid"
keep age sql "select max(age(datfrozenxid)) from pg_database"
keep archiver sql "select * from pg_stat_archiver"
keep progress sql "select pid, relid::regclass, phase from pg_stat_progress_vacuum"
exit 0
