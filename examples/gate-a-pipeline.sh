#!/bin/sh
# Lets a pipeline go on only where a release may be upgraded.
#
#   RELEASE=books CHART=./chart NAMESPACE=shop sh gate-a-pipeline.sh --set image.tag=1.1.0
#
# What follows is handed on as flags of `helm upgrade` and of the check. Ends as the check does: 0 ready, 2 blocked,
# 3 not known, 1 could not begin; and with 1 where it is ready and a report of it could not be made. Leaves
# upgrade-check.xml (JUnit) and upgrade-check.md (for the ticket) in REPORTS, never those of an earlier run.
set -eu
: "${RELEASE:?the release to judge}" "${CHART:?the chart to upgrade to}" "${NAMESPACE:?the namespace of the release}"
reports=${REPORTS:-.}
rm -f "$reports/upgrade-check.xml" "$reports/upgrade-check.md"
seen=$(mktemp)
trap 'rm -f "$seen"' EXIT

code=0
kubectl upgrade-check "$RELEASE" "$CHART" "$@" --namespace "$NAMESPACE" --save-observation "$seen" || code=$?

# The cluster was looked at once; the other forms are made of what was seen.
if [ -s "$seen" ]; then
  for form in junit:xml markdown:md; do
    report=$reports/upgrade-check.${form#*:}
    made=0
    kubectl upgrade-check --observation "$seen" -o "${form%:*}" >"$report" || made=$?
    # A shell that cannot write the report ends the line with a code of its own, which may be 2.
    [ -s "$report" ] || made=1
    case $made in
      0 | 2 | 3) ;; # What the report says.
      *)
        rm -f "$report"
        [ "$code" -ne 0 ] || code=1
        ;;
    esac
  done
fi
exit "$code"
