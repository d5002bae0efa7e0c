#!/bin/bash
# Runs cmocka programs one after the other and ends with one line about all:
#
#   t/cmocka.sh PROGRAM...
#
# A program's own lines are shown when it fails or has run no test. DFF_TEST_TIMEOUT (s, 120) bounds
# each of them.

set -u
programs=0 failed=0 tests=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

for program in "$@"; do
    programs=$((programs + 1))
    timeout -k 5 "${DFF_TEST_TIMEOUT:-120}" "$program" > "$log" 2>&1
    status=$?
    ran=$(sed -n 's/^\[==========\] \([0-9]*\) test(s) run\..*/\1/p' "$log" | tail -1)
    if [ $status -eq 0 ] && [ "${ran:-0}" -gt 0 ]; then
        tests=$((tests + ran))
        echo "ok      $(basename "$program"): $ran tests"
        continue
    fi
    failed=$((failed + 1))
    echo "FAILED  $(basename "$program") (exit status $status)"
    sed 's/^/    /' "$log"
done

if [ $failed -gt 0 ]; then
    echo "cmocka: FAILED: $failed of $programs programs; $tests tests passed"
    exit 1
fi
echo "cmocka: all $tests tests of $programs programs passed"
