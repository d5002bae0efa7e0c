#!/bin/bash
# make bench: installs what the peers need, builds, and runs bench.py.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/deploy/lib/shell.sh"
. "$root/deploy/lib/packages.sh"

[ "$(id -u)" = 0 ] || die "must run as root: it installs packages and starts a node"
packages_install "${packages_build[@]}" "${packages_node[@]}" \
    wrk uwsgi-core uwsgi-plugin-python3 gunicorn python3-flask python3-celery python3-redis
make -s -C "$root" || die "the build failed"
exec env PYTHONPATH="$root/t/system" /usr/bin/python3 -B "$root/bench/bench.py" "$@"
