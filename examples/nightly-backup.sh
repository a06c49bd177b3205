#!/bin/sh
# Makes a backup that is proven by a restore, takes old ones away, and calls somebody if any of it fails.
#
#   TARGET=books NAMESPACE=shop STORE=s3://backups/shop ALERT='mail -s "backup of books" oncall' sh nightly-backup.sh
#
# ALERT is a command that gets what went wrong on its standard input. Made for cron on a machine with a kubeconfig; inside a
# cluster `kubectl pgbackup schedule` does the same. Ends with 0 only where the newest backup was restored and compared, else
# with the code of the act that failed, whether or not anybody could be told.
set -eu
: "${TARGET:?whose database}" "${NAMESPACE:?its namespace}" "${STORE:?where backups are kept}" "${ALERT:?whom to tell}"
KEEP=${KEEP:-"--keep-daily 7 --keep-weekly 4 --keep-monthly 6"}
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# Runs one act. If it fails, what it said is printed, for cron to send, and handed on.
act() {
  code=0
  kubectl pgbackup "$@" >"$said" 2>&1 || code=$?
  [ "$code" -eq 0 ] && return
  ended="kubectl pgbackup $1 ended with $code"
  { echo "$ended"; cat "$said"; } >&2
  { echo "$ended"; cat "$said"; } | sh -c "$ALERT" || echo "nobody was told: ALERT ended with $?" >&2
  exit "$code"
}

act create "$TARGET" --namespace "$NAMESPACE" --to "$STORE" --reason nightly
act verify newest "$TARGET" --namespace "$NAMESPACE" --from "$STORE"
# shellcheck disable=SC2086 # KEEP is several words.
act prune --from "$STORE" $KEEP --yes
act status "$TARGET" --namespace "$NAMESPACE" --from "$STORE" --max-age 26h --min-grade A
