# Installs packages without letting the services in them come up, now or at the
# next boot; sourced by deploy/run.sh and t/run.sh (which have shell.sh).
#
# What is installed already is left as it is: not upgraded, not restarted, not
# reconfigured.

policy_file=/usr/sbin/policy-rc.d
policy_saved=/usr/sbin/policy-rc.d.before-dff
new_services=()    # of this installation
policy_mark='# dff: no service may start while packages are installed'

# invoke-rc.d asks this file; 101 forbids. The one that was there comes back in
# policy_restore, also after an installation that was killed.
policy_deny() {
    policy_restore
    if [ -e "$policy_file" ] || [ -L "$policy_file" ]; then
        mv "$policy_file" "$policy_saved"
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" > "$policy_file"
    chmod 0755 "$policy_file"
}

policy_restore() {
    if grep -qsF "$policy_mark" "$policy_file"; then
        rm -f "$policy_file"
    fi
    if [ -e "$policy_saved" ] || [ -L "$policy_saved" ]; then
        mv -f "$policy_saved" "$policy_file"
    fi
}

package_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

package_known() {
    [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# A service that this installation brought must not come up at boot either.
service_disable() {
    [ -x "/etc/init.d/$1" ] && update-rc.d "$1" disable > /dev/null 2>&1
    if command -v systemctl > /dev/null; then
        systemctl disable "$1.service" > /dev/null 2>&1
    fi
    return 0
}

# apt_get WORDS...: shows what apt says only when it fails. Called after policy_deny
# it ends the program through the trap, which restores.
apt_get() {
    local output status=0
    output=$(apt-get -q "$@" 8>&- 2>&1) || status=$?
    [ $status -eq 0 ] || { tail -n 40 <<< "$output" >&2; die "apt-get $1 failed ($status)"; }
}

# package_choose "a|b": the first one that is installed or that the distribution has.
package_choose() {
    local name names
    IFS='|' read -r -a names <<< "$1"
    for name in "${names[@]}"; do
        if package_installed "$name" || package_known "$name"; then
            echo "$name"
            return 0
        fi
    done
    return 1
}

# packages_install WANT...: names, or "a|b" where distributions differ.
packages_install() {
    local want name missing=() install=() service
    for want in "$@"; do
        if ! name=$(package_choose "$want") || ! package_installed "$name"; then
            missing+=("$want")
        fi
    done
    [ ${#missing[@]} -gt 0 ] || { say "all packages are installed"; return 0; }

    # needrestart (Ubuntu) would restart services of the machine.
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
    exec 8> /run/lock/dff-packages.lock || die "cannot write /run/lock/dff-packages.lock"
    flock -w 900 8 || die "another installation of packages has been running for 15 minutes"

    apt_get update
    for want in "${missing[@]}"; do
        name=$(package_choose "$want") || die "this distribution has no package ${want//|/ or }"
        case " ${install[*]-} " in *" $name "*) ;; *) install+=("$name") ;; esac
    done
    for service in nginx redis-server mariadb postgresql; do
        [ -e "/etc/init.d/$service" ] || new_services+=("$service")
    done
    say "installing: ${install[*]}"
    trap packages_finish EXIT
    trap 'exit 130' INT TERM HUP
    policy_deny
    apt_get install -y --no-install-recommends --no-upgrade -o Dpkg::Use-Pty=0 \
        -o DPkg::Lock::Timeout=600 "${install[@]}"
    packages_finish
    trap - EXIT INT TERM HUP
    exec 8>&-
}

# Also after an installation that failed half-way.
packages_finish() {
    local service
    for service in "${new_services[@]}"; do
        service_disable "$service"
    done
    policy_restore
}

# What a build needs, and what a node runs on. Where the distribution has no
# nginx-dev (Ubuntu 22.04), nginx_source_prepare gets nginx's own source.
packages_build=(gcc make libc6-dev "pkgconf|pkg-config" nginx
    "nginx-dev|libpcre2-dev" "nginx-dev|libpcre3-dev" "nginx-dev|zlib1g-dev"
    libhiredis-dev libjansson-dev libyaml-dev libssl-dev libcrypt-dev libmariadb-dev
    libevent-dev libarchive-dev zlib1g-dev libpython3-dev python3)
packages_node=(nginx curl ca-certificates redis-server
    "mariadb-server-core|mariadb-server-core-10.6" "mariadb-client-core|mariadb-client-core-10.6"
    python3-pymysql python3-redis python3-psycopg2     # what DFF.SRC connects with
    python3-pip)                                       # what installs packages for scripts
packages_test=(
    libcmocka-dev libtest-base-perl perl python3-pytest postgresql libfaketime iproute2
    clang "libclang-rt-14-dev|clang")         # the fuzzers

# nginx_source_prepare FOLDER: sets NGINX_SRC. apt checks the signature of what
# it fetches; the source lists are a copy, so that the machine's stay as they are.
nginx_source_prepare() {
    local folder=$1 apt=()
    if [ -n "${NGINX_SRC:-}" ]; then
        return 0
    fi
    if package_installed nginx-dev; then
        export NGINX_SRC=/usr/share/nginx/src
        return 0
    fi
    export NGINX_SRC=$folder/source
    [ ! -e "$NGINX_SRC/src/core/nginx.h" ] || return 0

    say "this distribution has no nginx-dev: fetching the source of nginx"
    rm -rf "$folder"
    mkdir -p "$folder/lists/partial" "$folder/parts" "$NGINX_SRC"
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n 's/^deb /deb-src /p' > "$folder/sources.list"
    apt=(-q -o "Dir::Etc::SourceList=$folder/sources.list" -o "Dir::Etc::SourceParts=$folder/parts"
        -o "Dir::State::Lists=$folder/lists" -o APT::Sandbox::User=root)
    apt-get "${apt[@]}" update || die "apt-get update for source packages failed"
    (cd "$folder" && apt-get "${apt[@]}" source --download-only nginx) ||
        die "cannot fetch the source of nginx; set NGINX_SRC to a folder with it"
    tar -xf "$folder"/nginx_*.orig.tar.* -C "$NGINX_SRC" --strip-components=1
}
