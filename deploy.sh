#!/bin/sh
# modferry: install what it needs here, show it at work, put its agent on a box.
set -eu

usage() {
    cat <<'USAGE'
usage: ./deploy.sh demo                show the main job on the practice box
       ./deploy.sh BOX [OPTION...]     install the agent on a box
       ./deploy.sh --divert BOX [OPTION...]  and put its depmod in /sbin/depmod's place
       ./deploy.sh --undo BOX [OPTION...]  remove all of it from there
       ./deploy.sh needs               install what modferry needs on this machine

BOX is a name from the fleet file (modferry.yaml), or an address:
  ssh://root@HOST[:PORT]  serial:///dev/ttyUSB0?baud=115200  rfc2217://HOST:PORT
OPTION is one of "modferry deploy", for example -n (change nothing) or --profile NAME.

"demo" and "needs" install Debian packages by apt, as root or with sudo, and a Python
environment in .venv; nothing else on this machine changes.
USAGE
}

# What the practice box is made with, and what modferry itself runs on.
PYTHON_NEEDS="python3 python3-venv"
DEMO_NEEDS="gcc kmod linux-headers-amd64 make mmdebstrap openssh-client qemu-system-x86
    uidmap"
CHECK_NEEDS="busybox|busybox-static dash shellcheck"
TEST_NEEDS="chromium chromium-driver dropbear-bin e2fsprogs libc6-dev liblzma-dev libssl-dev
    libzstd-dev meson mgetty openssh-server pkgconf|pkg-config ser2net strace sudo
    util-linux xfsprogs xz-utils zlib1g-dev zstd"

# What invoke-rc.d asks whether a service may be started.
POLICY=${POLICY_RC_D-/usr/sbin/policy-rc.d}
held=""

say() {
    printf 'deploy.sh: %s\n' "$*" >&2
}

fail() {
    say "$1"
    shift
    for line in "$@"; do
        printf '  %s\n' "$line" >&2
    done
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        command -v sudo > /dev/null ||
            fail "neither root nor sudo" \
                "where  this machine: $*" "next   run it as root, or install sudo"
        sudo "$@"
    fi
}

# is_installed NAME[|NAME]: one of them is.
is_installed() {
    for name in $(echo "$1" | tr '|' ' '); do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2> /dev/null)" = installed ] &&
            return 0
    done
    return 1
}

has_package_lists() {
    for list in /var/lib/apt/lists/*_Packages*; do
        [ -e "$list" ] && return 0
    done
    return 1
}

# packages NAME[|NAME]...: install those that are missing, of alternatives the first.
packages() {
    command -v apt-get > /dev/null ||
        fail "no apt-get on this machine" \
            "why    this script knows Debian 12 and newer" \
            "next   install by hand: $*"
    missing=""
    for package in "$@"; do
        is_installed "$package" || missing="$missing ${package%%|*}"
    done
    if [ -n "$missing" ] || ! has_package_lists; then
        say "apt-get update"
        as_root apt-get -q -q update >&2 ||
            fail "apt-get update did not end well" "where  the lines above"
    fi
    [ -n "$missing" ] || return 0
    say "apt-get install$missing"
    hold_services
    # shellcheck disable=SC2086 # the names are words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -q -y \
        -o Dpkg::Use-Pty=0 install --no-install-recommends $missing > "$log" 2>&1 || {
        release_services
        tail -n 20 "$log" >&2
        fail "apt-get install did not end well" "where  the lines above"
    }
    release_services
    for service in ssh:openssh-server ser2net:ser2net; do
        case "$missing " in
        *" ${service#*:} "*)
            ! command -v systemctl > /dev/null ||
                as_root systemctl -q disable "${service%%:*}" >&2 || true
            ;;
        esac
    done
}

# The tests start servers of their own: those of the packages stay stopped.
hold_services() {
    held=""
    [ ! -e "$POLICY" ] || return 0
    held=yes
    printf '#!/bin/sh\nexit 101\n' > "$log"
    as_root install -m 755 "$log" "$POLICY"
}

release_services() {
    [ -z "$held" ] || as_root rm -f "$POLICY"
    held=""
}

# A Python of at least 3.11 that can make environments; its path, or nothing.
find_python() {
    for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c 'import ensurepip, sys, venv
sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# environment GROUP...: modferry and the dependency groups in .venv, if not there yet.
environment() {
    stamp=".venv/modferry-$(echo "$@" | tr ' ' -)"
    state=$(cksum pyproject.toml; pwd)
    if [ "$(cat "$stamp" 2> /dev/null)" = "$state" ] &&
        .venv/bin/python -c 'import modferry' 2> /dev/null; then
        return 0
    fi
    # shellcheck disable=SC2086 # the names are words
    python=$(find_python) || { packages $PYTHON_NEEDS && python=$(find_python); } ||
        fail "no Python of at least 3.11 on this machine" \
            "why    Debian 12 and newer have one: python3" "next   use such a machine"
    say "installing modferry into .venv with $python"
    if [ "$(cat .venv/modferry-place 2> /dev/null)" != "$(pwd)" ] ||
        ! .venv/bin/python -c 'import pip' 2> /dev/null; then
        # --clear would empty what a link leads to, such as another checkout's.
        if [ -L .venv ]; then rm .venv; fi
        "$python" -m venv --clear .venv
        pwd > .venv/modferry-place
    fi
    if [ $# -gt 0 ]; then
        pip_install 'pip>=25.1' # the first with --group
    fi
    groups=""
    for group in "$@"; do
        groups="$groups --group $group"
    done
    # shellcheck disable=SC2086 # the options are words
    pip_install -e . $groups
    printf '%s\n' "$state" > "$stamp"
}

pip_install() {
    PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install -q "$@" \
        > "$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "pip install did not end well: $*" \
            "where  the lines above" \
            "next   look at the network, and at: .venv/bin/python -m pip config list"
    }
}

# needs demo|check|tests: everything for that purpose.
needs() {
    case $1 in
    check) wanted=$CHECK_NEEDS groups="docs lint test" ;;
    demo) wanted=$DEMO_NEEDS groups="" ;;
    tests) wanted="$DEMO_NEEDS $CHECK_NEEDS $TEST_NEEDS" groups="docs lint test" ;;
    esac
    find_python > /dev/null || wanted="$wanted $PYTHON_NEEDS"
    # shellcheck disable=SC2086 # the names are words
    packages $wanted
    # shellcheck disable=SC2086 # the names are words
    environment $groups
}

change=""
case ${1-} in
-h | --help)
    usage
    exit 0
    ;;
--undo | --divert)
    change=$1
    shift
    ;;
esac
case ${1-} in
"" | -*)
    usage >&2
    exit 2
    ;;
esac
start=$(pwd)
cd "$(dirname "$0")"
here=$(pwd)
log=$(mktemp)
trap 'release_services; rm -f "$log"' EXIT
trap 'exit 130' INT TERM HUP
what=$1
shift
case "$change$what" in
demo)
    needs demo
    .venv/bin/modferry lab demo "$@"
    ;;
needs)
    case ${1-} in
    "") needs demo ;;
    --check) needs check ;;
    --tests) needs tests ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    ;;
*)
    environment
    cd "$start" # where the fleet file may be
    "$here/.venv/bin/modferry" deploy ${change:+"$change"} --on "$what" "$@"
    ;;
esac
