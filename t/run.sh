#!/bin/bash
# Every test: installs what they need, builds, runs. From a bare Debian 12 with git
# only; as root, because nodes are made of several users.
#
#   bash t/run.sh [--asan] [--only cmocka|fuzz|prove|system|faults|soak]
#
# fuzz: each fuzzer for two seconds (`make fuzz` for longer).
# faults, soak: the long forms of the tests of that name in t/system, only when asked for:
# half an hour of faults under load, 30 minutes of mixed load (DFF_SOAK_SECONDS).
# --asan: the same tests with everything built by `make asan` (build-asan/).
# Each runner ends with a line of its own, then one summary; exit status 0 only if all
# passed. DFF_TEST_KEEP=1 keeps the folders of the test nodes in /tmp.

set -u
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
. deploy/lib/shell.sh
. deploy/lib/packages.sh

asan=no
only=
while [ $# -gt 0 ]; do
    case $1 in
        --asan) asan=yes ;;
        --only)
            only=${2:-}
            case $only in
                cmocka | fuzz | prove | system | faults | soak) ;;
                *) die "--only is one of cmocka, fuzz, prove, system, faults, soak" ;;
            esac
            shift ;;
        *) die "unknown option '$1'" ;;
    esac
    shift
done
[ "$(id -u)" = 0 ] ||
    die "the tests must run as root: they start nodes whose parts are different users"
# In a bare chroot; taken away again, so that removing the folder meets no live /proc.
proc_mounted=no
if [ ! -e /proc/self/stat ]; then
    mount -t proc proc /proc || die "there is no /proc and it cannot be mounted"
    proc_mounted=yes
fi
DFF_TEST_BUILD=
clean_up() {
    [ -z "$DFF_TEST_BUILD" ] || rm -rf "$DFF_TEST_BUILD"
    [ $proc_mounted = no ] || umount /proc || warn "/proc is still mounted here"
}
# nginx is there, and the distribution's Python before any other.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH PYTHONDONTWRITEBYTECODE=1
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -H -n)"

build=build
make_options=()
prepare_asan() {
    local cc
    cc=$(command -v gcc) || die "gcc is missing"
    build=build-asan
    make_options=("BUILD=$build" SANITIZER=address,undefined)
    # Loaded before nginx, whose binary lacks them; libasan insists on being the first.
    SANITIZER_RUNTIMES=$("$cc" -print-file-name=libasan.so)
    SANITIZER_RUNTIMES+=" $("$cc" -print-file-name=libubsan.so)"
    SANITIZER_RUNTIMES+=" $root/$build/lib/keep_modules.so"
    export SANITIZER_RUNTIMES
    export TEST_NGINX_BINARY=$root/t/sanitizer/nginx NGINX_BINARY=$root/t/sanitizer/nginx
}

# The tests use a copy where the workers' user may read: the checkout may lie in /root.
copy_build() {
    DFF_TEST_BUILD=$(mktemp -d "/tmp/dff-$build-XXXXXX") || die "cannot make a folder in /tmp"
    export DFF_TEST_BUILD
    chmod 0755 "$DFF_TEST_BUILD"
    auto/install "$build" "$DFF_TEST_BUILD" || die "cannot copy the build"
    if [ $asan = yes ]; then
        export SANITIZER_REPORTS=$DFF_TEST_BUILD/reports
        mkdir "$SANITIZER_REPORTS"
        chmod 1777 "$SANITIZER_REPORTS"
    fi
}

summary=()
failed=0
# run NAME COMMAND...: one runner, its time and outcome for the summary.
run() {
    local name=$1 begin=$SECONDS outcome=passed
    shift
    if [ -n "$only" ] && [ "$only" != "$name" ]; then
        return 0
    fi
    step "$name"
    "$@" || { outcome=FAILED; failed=1; }
    summary+=("$(printf '%-8s %-7s %4d s' "$name" "$outcome" $((SECONDS - begin)))")
}

run_cmocka() {
    bash t/cmocka.sh $(find "$build/test" -maxdepth 1 -type f -perm -u+x | sort)
}

# The fuzzers have their own build, with the sanitizers in it in any case.
run_fuzz() {
    make -s -j "$(nproc)" fuzz FUZZ_SECONDS=2 || return 1
}

run_prove() {
    local status=0
    python3 t/coverage.py || status=1
    timeout -k 30 1500 python3 t/prove.py || status=1
    return $status
}

# A pytest for each folder: files of one name in two of them are different modules.
run_system() {
    local folder status=0
    for folder in t/system t/worker; do
        timeout -k 30 2400 python3 -m pytest -q -p no:cacheprovider "$folder" || status=1
    done
    return $status
}

# At least 200,000 jobs must have met the faults.
run_faults() {
    local status=0 jobs
    export DFF_FAULTS_LONG=1 DFF_FAULTS_COUNT=$DFF_TEST_BUILD/faults.count
    : > "$DFF_FAULTS_COUNT"
    timeout -k 30 7200 python3 -m pytest -q -s -p no:cacheprovider -k test_faults t/system ||
        status=1
    jobs=$(awk '{ sum += $1 } END { print sum + 0 }' "$DFF_FAULTS_COUNT")
    say "$jobs jobs under faults"
    [ "$jobs" -ge 200000 ] || { warn "fewer than 200000 jobs"; status=1; }
    return $status
}

run_soak() {
    export DFF_SOAK_SECONDS=${DFF_SOAK_SECONDS:-1800}
    timeout -k 30 $((DFF_SOAK_SECONDS + 600)) \
        python3 -m pytest -q -s -p no:cacheprovider t/system/test_soak.py
}

step "packages"
packages_install "${packages_build[@]}" "${packages_node[@]}" "${packages_test[@]}"
trap clean_up EXIT
[ $asan = no ] || prepare_asan

step "build"
nginx_source_prepare "$root/$build/nginx-source"
mkdir -p "$build"
make -j "$(nproc)" "${make_options[@]}" all tests > "$build/make.log" 2>&1 ||
    { tail -n 60 "$build/make.log" >&2; die "the build failed; all of it is in $build/make.log"; }
copy_build
say "built in $build"

run cmocka run_cmocka
run fuzz run_fuzz
run prove run_prove
run system run_system
[ "$only" != faults ] || run faults run_faults
[ "$only" != soak ] || run soak run_soak

echo
echo "== summary"
printf '%s\n' "${summary[@]}"
if [ $failed -ne 0 ]; then
    echo "t/run.sh: FAILED"
    exit 1
fi
echo "t/run.sh: all passed in $SECONDS s"
