#!/bin/bash
# Quick start: from a bare Debian 12 or Ubuntu 22.04+ to a called function.
#
#   bash deploy/run.sh [options]
#
#   --install-dir D   where it goes (/usr/local/dataflux-func)
#   --port N          the web port (8088)
#   --mini            one group of workers for all queues
#   --no-mysql        an existing MySQL, from DFF_MYSQL_* or the existing configuration
#   --no-redis        an existing Redis, from DFF_REDIS_* likewise
#   --no-start        install only
#   --uninstall       stops it and removes the folder with all data (asks; --yes does not)
#
# Run again it updates in place and keeps configuration and data. Services that the
# machine has are not touched: the bundled ones lie below the install folder and listen on
# unix sockets; the web port is the only port.

set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
. "$here/lib/shell.sh"
. "$here/lib/packages.sh"

install=/usr/local/dataflux-func
uninstall=no
yes=no
start=yes
setup_options=()
new_port=
link=/usr/local/bin/dffctl

usage() { sed -n '2,16s/^# \{0,1\}//p' "$0"; }

while [ $# -gt 0 ]; do
    case $1 in
        --install-dir | --port)
            [ $# -ge 2 ] || die "$1 needs a value" ;;
    esac
    case $1 in
        --install-dir) install=$2; shift ;;
        --port)
            case $2 in '' | *[!0-9]*) die "--port must be a number, got '$2'" ;; esac
            [ "$2" -ge 1 ] && [ "$2" -le 65535 ] || die "--port must be 1 to 65535, got $2"
            new_port=$2
            setup_options+=(--port "$2"); shift ;;
        --mini | --no-mysql | --no-redis) setup_options+=("$1") ;;
        --no-start) start=no ;;
        --uninstall) uninstall=yes ;;
        --yes) yes=yes ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; die "unknown option '$1'" ;;
    esac
    shift
done

[ "$(id -u)" = 0 ] || die "must be run as root"
case $install in
    /*) ;;
    *) install=$PWD/$install ;;
esac
case $install in *[!A-Za-z0-9._/+-]*) die "the path $install has characters that are not allowed" ;; esac
install=$(readlink -m "$install")
config=$install/data/user-config.yaml
service=$install/bin/dff-service
dffctl=("$install/bin/dffctl" --config "$config")

config_value() { sed -n "s/^$1: *//p" "$config" 2>/dev/null | tail -n 1; }

do_uninstall() {
    local answer
    [ -e "$install/.dff-install" ] || die "$install is not an installation of DFF"
    if [ $yes = no ]; then
        printf 'Remove %s with its database, scripts and all data? [y/N] ' "$install"
        read -r answer || answer=
        case $answer in y | Y | yes) ;; *) say "nothing was removed"; exit 1 ;; esac
    fi
    [ ! -x "$service" ] || "$service" stop || die "not everything stopped; nothing was removed"
    [ "$(readlink "$link" 2>/dev/null)" != "$install/bin/dffctl" ] || rm -f "$link"
    rm -rf "$install"
    say "removed $install (the users dff-data, dff-web, dff-api and dff-worker are kept)"
}

# The system calls itself Debian or derived from it, or nothing below works.
check_system() {
    command -v apt-get > /dev/null ||
        die "this needs Debian 12, Ubuntu 22.04 or later (there is no apt-get here); on another" \
            "system install what auto/check names, then: make && make install"
    if [ ! -e /proc/self/stat ]; then
        say "there is no /proc here: mounting it (stop DFF and unmount it before removing this root)"
        mount -t proc proc /proc || die "cannot mount /proc"
    fi
    if [ -e "$install" ] && [ ! -e "$install/.dff-install" ] && [ -n "$(ls -A "$install")" ]; then
        die "$install exists and is not an installation of DFF"
    fi
}

# Before the work begins; a running node's own port is checked when it restarts.
check_port() {
    local port=${DFF_WEB_PORT:-$new_port}
    [ -n "$port" ] || port=$(config_value WEB_PORT)
    if [ -x "$service" ] && "$service" status nginx > /dev/null 2>&1; then
        return 0
    fi
    ! port_in_use "${port:-8088}" ||
        die "port ${port:-8088} is in use by another program; choose one with --port N"
}

build() {
    local log=$root/build/make.log
    mkdir -p "$root/build"
    nginx_source_prepare "$root/build/nginx-source"
    make -C "$root" -j "$(nproc)" all > "$log" 2>&1 ||
        { tail -n 40 "$log" >&2; die "the build failed; all of it is in $log"; }
    say "built in $root/build"
}

# Programs are replaced by rename, so the running ones are not disturbed until the
# restart; what is not ours (an unfinished first installation) is not restarted.
install_files() {
    make -C "$root" -s install "PREFIX=$install" DESTDIR= > "$root/build/install.log" 2>&1 ||
        { tail -n 20 "$root/build/install.log" >&2; die "make install failed"; }
    "$here/setup" --install-dir "$install" "${setup_options[@]}" || exit 1
    # Another installation keeps its link.
    if [ ! -e "$link" ]; then
        mkdir -p "${link%/*}"
        ln -sfn "$install/bin/dffctl" "$link"
    fi
    say "installed in $install"
}

# The database first: the programs expect its schema.
start_services() {
    "$service" start mysql redis || exit 1
    local said
    said=$("${dffctl[@]}" db migrate) || die "the database could not be brought up to date"
    # The administrator of a new database; repeated at the end, shown never again.
    administrator=$(grep '^administrator ' <<< "$said")
    grep -v '^administrator ' <<< "$said"
    "$service" restart executor nginx || exit 1
}

publish_demo() {
    "${dffctl[@]}" script publish "$here/demo/demo__basic.py" --id demo__basic ||
        die "the demo script could not be published"
    "${dffctl[@]}" link add demo__basic.test_func --id auln-test --update &&
        "${dffctl[@]}" link add demo__basic.plus --id auln-plus --update ||
        die "the demo links could not be made"
}

call_demo() {
    local port base address
    port=${DFF_WEB_PORT:-$(config_value WEB_PORT)}
    base=http://127.0.0.1:${port:-8088}
    address="$base/api/v1/al/auln-plus?kwargs={\"x\":1,\"y\":2}"
    say "\$ curl -g -i '$address'"
    curl -sS -g -i --fail --max-time 20 --noproxy '*' "$address" ||
        die "the demo function did not answer"
    echo
    echo
    say "\$ curl -i $base/api/v1/al/auln-test"
    curl -sS -i --fail --max-time 20 --noproxy '*' "$base/api/v1/al/auln-test" ||
        die "the demo function did not answer"
    echo
}

next_steps() {
    local port dffctl_name=$install/bin/dffctl
    port=$(config_value WEB_PORT)
    [ ! "$link" -ef "$dffctl_name" ] || dffctl_name=dffctl
    cat << END

DFF runs: http://$(hostname):$port (here: http://127.0.0.1:$port)
END
    [ -z "$administrator" ] || say "$administrator"
    cat << END

Next:
  $dffctl_name script publish FILE.py --id set__name     publish a script of yours
  $dffctl_name link add set__name.function               make a link for one of its functions
  $service status|stop|start|restart
  configuration: $config
  logs: $install/data/logs, $install/nginx
  update: run this again; remove: add --uninstall
END
}

if [ $uninstall = yes ]; then
    do_uninstall
    exit 0
fi

administrator=
step "packages"
check_system
[ $start = no ] || check_port
packages_install "${packages_build[@]}" "${packages_node[@]}"
step "build"
build
step "install"
install_files
if [ $start = no ]; then
    say "not started (--no-start): $service start"
    exit 0
fi
step "start"
start_services
step "demo function"
publish_demo
step "call"
call_demo
next_steps
