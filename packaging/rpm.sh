#!/bin/bash
# The source RPM and the noarch RPMs of these files, built by rpmbuild in a folder of its own, which is gone afterwards.
# usage: packaging/rpm.sh [DIR [RPMBUILD ARGUMENT ...]]     DIR is dist where none is named; prints what it made
#   agentprep-VERSION-1.noarch.rpm       EL 9, EL 10, Fedora, SLES 15 and 16, openSUSE
#   agentprep-VERSION-1.el7.noarch.rpm   EL 7 with EPEL, whose Python modules have names of their own
#   agentprep-VERSION-1.el8.noarch.rpm   EL 8, whose /usr/bin/python3 may be any Python or none
# Without $CHECK, or with CHECK=1, %check runs the tests, by .venv's Python where `make rpm` made it; not with CHECK=0.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
out=${1:-dist}
[ $# = 0 ] || shift

fail() { echo "packaging/rpm.sh: $*" >&2; exit 1; }
command -v rpmbuild >/dev/null || fail "there is no rpmbuild; apt-get install rpm, or dnf install rpm-build"

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
mkdir "$top/SOURCES" "$top/home"
tarball=$(packaging/sdist.sh "$top/SOURCES")
version=${tarball##*/agentprep-}
version=${version%.tar.gz}
told=$(sed -n 's/^Version: *//p' packaging/rpm/agentprep.spec)
[ "$told" = "$version" ] ||
    fail "agentprep/__init__.py says $version, packaging/rpm/agentprep.spec $told; give it that and a %changelog"
python=$PWD/.venv/bin/python
[ -x "$python" ] || python=python3

# The same files give the same noarch packages: times are the tarball's, and the name of this machine is not told.
SOURCE_DATE_EPOCH=$(tar --list --verbose --full-time --utc --file "$tarball" | awk 'NR == 1 { print $4, $5, "UTC" }' |
    date --file=- +%s)
export SOURCE_DATE_EPOCH
cp packaging/rpm/agentprep.spec "$top/"
touch --date="@$SOURCE_DATE_EPOCH" "$tarball" "$top/agentprep.spec"
# EL 7's rpm reads no payload that is packed by something newer than xz.
# Debian's brp-compress packs no manual page: it has /bin/sh read with -d, which dash cannot.
macros=(
    "_topdir $top" "_tmppath $top" "testing_python $python"
    "_buildhost localhost" "use_source_date_epoch_as_buildtime 1" "clamp_mtime_to_source_date_epoch 1"
    "_source_payload w9.gzdio" "_binary_payload w9.gzdio"
    "__os_install_post find %{buildroot}%{_mandir} -type f -exec gzip -9n {} +"
)
build() {  # --nodeps: Debian's rpm has no packages in its database; what BuildRequires names is here by other means
    HOME=$top/home rpmbuild --nodeps "${macros[@]/#/--define=}" "$@" "$top/agentprep.spec" >"$top/log" 2>&1 || {
        tail -n 60 "$top/log" >&2
        fail "rpmbuild $1 failed; the lines above are the last of what it said"
    }
}

check=()
if [ "${CHECK:-1}" = 0 ]; then
    check=(--nocheck)
elif ! "$python" -c 'import configobj, distro, hypothesis, jsonschema, psutil, pytest, yaml' 2>"$top/log"; then
    tail -n 1 "$top/log" >&2
    fail "%check needs what \"make rpm\" puts into .venv; CHECK=0 builds without it"
fi
build -bs "$@"
build -bb "${check[@]}" "$@"
# The tests have judged the same files already, and these two systems' Python is not here.
build -bb --nocheck --define "rhel 7" --define "dist .el7" "$@"
build -bb --nocheck --define "rhel 8" --define "dist .el8" "$@"

mkdir -p "$out"
for package in "$top"/SRPMS/*.src.rpm "$top"/RPMS/noarch/*.rpm; do
    mv "$package" "$out/"
    echo "$out/${package##*/}"
done
