#!/bin/sh
# Upgrades a release unattended, within a window of the day (UTC), and calls somebody unless it came out well.
#
#   RELEASE=books CHART=./chart NAMESPACE=shop FROM=0100 TO=0400 STORE=s3://backups/shop ALERT='mail -s books oncall' \
#     sh upgrade-in-a-window.sh --reset-then-reuse-values
#
# What follows is handed on as flags of `helm upgrade`. Outside of the window nothing is begun and the end is 75 (try again
# later); an upgrade that has begun is not cut off by the end of the window. Otherwise ends as `helm safe-upgrade` does,
# whether or not anybody could be told: 0 upgraded, 1, 2 or 3 not begun, 10 put back, 11 a person has to look, 12 upgraded and
# a check afterwards failed.
set -eu
: "${RELEASE:?the release}" "${CHART:?the chart to upgrade to}" "${NAMESPACE:?the namespace of the release}"
: "${FROM:?beginning of the window, HHMM}" "${TO:?its end, HHMM}" "${STORE:?where the backup goes}" "${ALERT:?whom to tell}"
now=${NOW:-$(date -u +%H%M)}
for time in "$FROM" "$TO" "$now"; do
  case $time in
    [01][0-9][0-5][0-9] | 2[0-3][0-5][0-9]) ;;
    *)
      echo "$time is no time of a day; write HHMM: nothing was begun" >&2
      exit 1
      ;;
  esac
done

# A window may reach over midnight.
if [ "$FROM" -le "$TO" ]; then
  [ "$now" -ge "$FROM" ] && [ "$now" -lt "$TO" ] && open=yes || open=no
else
  [ "$now" -ge "$FROM" ] || [ "$now" -lt "$TO" ] && open=yes || open=no
fi
if [ "$open" = no ]; then
  echo "it is $now UTC and the window is $FROM to $TO: nothing was begun" >&2
  exit 75
fi

said=$(mktemp)
trap 'rm -f "$said"' EXIT
code=0
helm safe-upgrade "$RELEASE" "$CHART" "$@" --namespace "$NAMESPACE" --backup-to "$STORE" --yes >"$said" 2>&1 || code=$?
cat "$said"
if [ "$code" -ne 0 ]; then
  {
    echo "helm safe-upgrade $RELEASE ended with $code; how it stands: helm safe-upgrade status $RELEASE --namespace $NAMESPACE"
    cat "$said"
  } | sh -c "$ALERT" || echo "nobody was told: ALERT ended with $?" >&2
fi
exit "$code"
