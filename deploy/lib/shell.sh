# What every shell program here uses; sourced, never run. Installed as
# {install}/lib/shell.sh.

say()  { echo "$*"; }
step() { echo; echo "== $*"; }
warn() { echo "${0##*/}: warning: $*" >&2; }
die()  { echo "${0##*/}: $*" >&2; exit 1; }

# wait_until SECONDS COMMAND...: the command's success, within a time limit.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.05
    done
}

# listen_conf FILE ADDRESS PORT: makes what nginx includes to listen there (WEB_BIND, WEB_PORT).
# Not written when it is that already: nginx has to start where the disk is full, too.
listen_conf() {
    local file=$1 address=${2:-0.0.0.0} line
    case $address in *:*) address="[$address]" ;; esac
    line="listen  $address:${3:-8088} backlog=4096;"
    [ "$(cat "$file" 2> /dev/null)" = "$line" ] ||
        { echo "$line" > "$file.new" && mv "$file.new" "$file"; }
}

# port_in_use NUMBER: somebody listens on this TCP port, on any address.
port_in_use() {
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v port="$(printf ':%04X' "$1")" '
            $4 == "0A" && substr($2, length($2) - 4) == port { found = 1 }
            END { exit !found }'
}
