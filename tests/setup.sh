#!/bin/bash
# What a make target needs is here: the Debian packages of packages.txt and a virtual environment in .venv.
# usage: tests/setup.sh TARGET      quiet when nothing is missing
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1
PYTHON=${PYTHON:-python3}
PATH=$PATH:/usr/sbin:/sbin

missing() {
    command -v dpkg-query >/dev/null || return 0
    while read -r package targets _; do
        case ",$targets," in
            *",$target,"*) [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>&1)" = installed ] || echo "$package" ;;
        esac
    done < <(grep -v '^#' tests/packages.txt)
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

packages=$(missing | tr '\n' ' ')
packages=${packages% }
if [ -n "$packages" ] && [ "$(id -u)" = 0 ]; then
    echo "installing $packages"
    log=$(mktemp)
    if ! { apt-get --quiet update && DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes \
        -o DPkg::Lock::Timeout=300 --no-install-recommends install $packages; } >"$log" 2>&1 </dev/null; then
        tail -20 "$log" >&2
        echo "make $target: these packages could not be installed: $packages" >&2
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
elif [ -n "$packages" ]; then
    echo "make $target: not all tools are here, and only root can install them; what needs them is skipped or fails." >&2
    echo "    sudo apt-get install --no-install-recommends $packages" >&2
fi

[ "$target" != deb ] || exit 0  # it is built by Debian's Python, without an environment

# The environment is made anew when its Python is gone, and filled again when setup.cfg is newer.
venv=.venv
if ! "$venv/bin/python" -c '' 2>/dev/null; then
    rm -rf "$venv"
    "$PYTHON" -m venv "$venv"
fi
case $target in
    packages | lab) extras=test,lint,packages complete=$venv/complete-packages ;;
    *) extras=test,lint complete=$venv/complete ;;
esac
if [ ! -e "$complete" ] || [ setup.cfg -nt "$complete" ]; then
    if ! "$venv/bin/python" -m pip install --editable ".[$extras]" >"$venv/log" 2>&1 </dev/null; then
        tail -20 "$venv/log" >&2
        echo "make $target: pip could not install what is needed (all of its output: $venv/log)" >&2
        exit 1
    fi
    touch "$complete"
fi
