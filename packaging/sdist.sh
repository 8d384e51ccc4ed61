#!/bin/bash
# The source tarball that the packages are built from, DIR/agentprep-VERSION.tar.gz: the same bytes for the same files.
# usage: packaging/sdist.sh [DIR]     DIR is dist where none is named; prints the tarball's path
# In a clone: the files that git knows, as they are now. Elsewhere, as in an unpacked tarball: all but what tools left.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
version=$(sed -n 's/^__version__ = "\([0-9][^"]*\)"$/\1/p' agentprep/__init__.py)
[ -n "$version" ] || { echo "packaging/sdist.sh: agentprep/__init__.py has no line __version__ = \"...\"" >&2; exit 1; }
top=agentprep-$version

files() {
    if [ -e .git ]; then
        git ls-files -z | while IFS= read -r -d '' file; do
            [ ! -e "$file" ] && [ ! -L "$file" ] || printf '%s\0' "$file"
        done
    else
        find . \( -name __pycache__ -o -name '*.egg-info' -o -path './.venv*' -o -path ./build -o -path ./dist \
            -o -name '.*_cache' -o -name .hypothesis \) -prune -o ! -type d ! -name '*.pyc' -printf '%P\0'
    fi | LC_ALL=C sort -z
}

# Every file is as old as the last commit, or as the newest file of an unpacked tarball.
if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
    epoch=$SOURCE_DATE_EPOCH
elif [ -e .git ]; then
    epoch=$(git log -1 --format=%ct)
else
    epoch=$(files | xargs -0 stat --format=%Y | sort -n | tail -n 1)
fi

mkdir -p "$out"
tarball=$out/$top.tar.gz
trap 'rm -f "$tarball.new"' EXIT
files | tar --create --null --no-recursion --files-from=- --format=gnu --mtime="@$epoch" --owner=0 --group=0 \
    --numeric-owner --mode=u+rw,go=rX --transform="flags=r;s|^|$top/|" | gzip -9n >"$tarball.new"
mv "$tarball.new" "$tarball"
echo "$tarball"
