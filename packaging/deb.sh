#!/bin/bash
# The Debian source package and the .deb of these files, built by dpkg-buildpackage in a folder that is gone afterwards.
# usage: packaging/deb.sh [DIR]     DIR is dist where none is named; prints what it made
# The tests run during the build, as on Debian's own machines; not with DEB_BUILD_OPTIONS=nocheck.
# lintian judges the result, where it is installed and LINTIAN is not 0: an error or a warning ends this with exit code 1.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
out=${1:-dist}
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8  # no Python of one user's
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

fail() { echo "packaging/deb.sh: $*" >&2; exit 1; }
command -v dpkg-buildpackage >/dev/null || fail "there is no dpkg-buildpackage; apt-get install dpkg-dev"

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
tarball=$(packaging/sdist.sh "$top")
version=${tarball##*/agentprep-}
version=${version%.tar.gz}
told=$(dpkg-parsechangelog --file packaging/debian/changelog --show-field Version)
[ "${told%-*}" = "$version" ] ||
    fail "agentprep/__init__.py says $version and packaging/debian/changelog $told; give the changelog an entry (dch)"
mv "$tarball" "$top/agentprep_$version.orig.tar.gz"
tar --extract --gzip --file "$top/agentprep_$version.orig.tar.gz" --directory "$top"
source=$top/agentprep-$version
cp -R packaging/debian "$source/debian"

(cd "$source" && dpkg-buildpackage --unsigned-source --unsigned-changes) >"$top/log" 2>&1 || {
    grep --text -E '^(FAILED|ERROR|E  )' "$top/log" >&2 || true
    tail -n 40 "$top/log" >&2
    fail "dpkg-buildpackage failed; the lines above are the last of what it said"
}
grep --text -oE '[0-9]+ passed.* in [0-9.]+s' "$top/log" | sed 's/^/tests: /' || true
if [ "${LINTIAN:-1}" != 0 ] && command -v lintian >/dev/null; then
    lintian --allow-root -EviIL +pedantic --fail-on error,warning "$top"/*.changes >"$top/lintian" 2>&1 || {
        cat "$top/lintian" >&2
        fail "lintian complains, see above"
    }
    grep -v '^N:' "$top/lintian" || true
fi

mkdir -p "$out"
for file in "$top"/agentprep_*; do
    mv "$file" "$out/"
    echo "$out/${file##*/}"
done
