#!/bin/bash
# Runs fuzzers for some time each: t/fuzz.sh BUILD SECONDS [NAME...]
#
# Seeds are t/fuzz/<name>/; what a run adds is kept in BUILD/fuzz/corpus/<name>, from
# which the next one starts. A finding is written to BUILD/fuzz/findings and fails.

set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
seconds=$2
shift 2
[ $# -gt 0 ] || set -- $(cd t/fuzz && printf '%s\n' *_fuzz.c | sed 's/_fuzz\.c$//')

failed=0
mkdir -p "$build/fuzz/findings"
for name in "$@"; do
    corpus=$build/fuzz/corpus/$name
    mkdir -p "$corpus" "t/fuzz/$name"
    if "$build/fuzz/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -max_len=65536 -artifact_prefix="$build/fuzz/findings/$name-" \
        -print_final_stats=1 "$corpus" "t/fuzz/$name" > "$build/fuzz/$name.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/fuzz/$name.log")
        printf 'fuzz %-10s passed, %s runs in %s s\n' "$name" "$runs" "$seconds"
    else
        failed=1
        tail -n 40 "$build/fuzz/$name.log" >&2
        printf 'fuzz %-10s FAILED, see %s\n' "$name" "$build/fuzz/$name.log"
    fi
done
exit $failed
