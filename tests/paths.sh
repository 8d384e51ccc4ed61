#!/bin/bash
# No file of the repository names a path of one machine: this clone's folder, a home, a tool's own folder under one.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$(pwd -P)
words=('/\.pyenv/versions/' '/[r]oot/\.(cache|local|cargo|pyenv)' '/Users/[a-z]')
[ "${#here}" -lt 6 ] || words+=("$(printf '%s' "$here" | sed 's/[][\.*^$+?(){}|]/\\&/g')(/|\$|[^[:alnum:]_-])")
[ "$HOME" = /root ] || [ "$HOME" = / ] || words+=("$HOME/")
pattern=$(printf '|%s' "${words[@]}")
if git grep -nIE "${pattern#|}" -- ':!tests/paths.sh'; then
    echo "The lines above name paths of one machine." >&2
    exit 1
fi
