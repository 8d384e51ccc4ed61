#!/bin/bash
# The whole suite on every Python found, 3.6 to 3.14: pyenv's versions and python3.N on the PATH, an environment each.
# usage: tests/pythons.sh [--list | 3.N ...] [-- PYTEST ARGUMENTS]     FAIL when one of them fails or none is found
set -uo pipefail
cd "$(dirname "$0")/.."

found() {  # "3.N path", the first of each minor version
    local versions path name seen=" "
    versions=${PYENV_ROOT:-$(pyenv root 2>/dev/null)}/versions
    for minor in 6 7 8 9 10 11 12 13 14; do
        for path in $(ls -d "$versions/3.$minor".*/bin/python 2>/dev/null | sort -V -r) \
            $(PATH=$(echo "$PATH" | tr : '\n' | grep -v '/shims$' | paste -s -d :) command -v "python3.$minor"); do
            name=$("$path" -c 'import sys, ensurepip, venv; print("3.%d" % sys.version_info[1])' 2>/dev/null) || continue
            case $seen in *" $name "*) continue ;; esac
            seen="$seen$name "
            echo "$name $path"
        done
    done
}

ready() {  # $1 = 3.N, $2 = its python: .venv-3.N holds what the suite needs
    local venv=.venv-$1
    "$venv/bin/python" -c '' 2>/dev/null || { rm -rf "$venv" && "$2" -m venv "$venv"; } || return 1
    if [ ! -e "$venv/complete" ] || [ setup.cfg -nt "$venv/complete" ]; then
        # The pip that Python 3.6 brings along knows neither today's wheels nor pyproject.toml; 21.3.1 is its last.
        [ "$1" != 3.6 ] || "$venv/bin/python" -m pip --quiet install pip==21.3.1 || return 1
        "$venv/bin/python" -m pip --quiet install --editable '.[test]' || return 1
        touch "$venv/complete"
    fi
}

wanted=" "
while [ $# -gt 0 ]; do
    case $1 in
        --list) found; exit ;;
        --) shift; break ;;
        *) wanted="$wanted$1 "; shift ;;
    esac
done

table="" failed=0 count=0
while read -r name path; do
    case $wanted in " " | *" $name "*) ;; *) continue ;; esac
    count=$((count + 1)) begun=$SECONDS
    echo "== Python $name ($path)"
    log=.venv-$name.log
    rm -f "$log"
    if ! ready "$name" "$path" >"$log.pip" 2>&1 </dev/null; then
        tail -20 "$log.pip"
        verdict=FAILED failed=1 last="its environment could not be made"
    elif ".venv-$name/bin/python" -m pytest -q -n auto "$@" >"$log" 2>&1 </dev/null; then
        verdict=passed last=$(tail -1 "$log")
    else
        verdict=FAILED failed=1 last=$(tail -1 "$log")
    fi
    if [ $verdict = passed ]; then grep -E '^SKIPPED' "$log"; elif [ -e "$log" ]; then cat "$log"; fi
    table="$table$(printf '%-6s %-8s %4d s  %s' "$name" "$verdict" $((SECONDS - begun)) "$last")"$'\n'
done < <(found)

printf '\nPython verdict   time  its last line\n%s' "$table"
if [ $count = 0 ]; then
    echo "No Python was found$([ "$wanted" = " " ] || echo " among:$wanted"); found are: $(found | cut -d' ' -f1 | paste -s -d ' ')"
    exit 1
fi
exit $failed
