"""The RPMs of this checkout, of an older version of it, and roots of their own into which rpm installs them."""

import atexit
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.bench.tree import environment
from tests.lab import host

REPOSITORY = Path(__file__).resolve().parents[2]
OLDER = "0.1.0"
PACKAGES = "systemd,python3,python3-psutil,python3-distro,python3-configobj"
# A distribution as far as these packages ask for it: what they need is provided by one package without files.
PROVIDED = """Name: distribution
Version: 1
Release: 1
Summary: What the packages need
License: none
BuildArch: noarch
Provides: /bin/sh, {0}, {1}-configobj, {1}-distro, {1}-psutil
%description
What the packages need.
%files
"""


def output(*words, **more):
    """What a command printed, errors too; it must succeed."""
    done = subprocess.run(
        [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", errors="replace", **more,
    )  # fmt: skip
    assert done.returncode == 0, "%s\n%s" % (words, done.stdout[-4000:])
    return done.stdout


def built(folder, source=REPOSITORY, check=True):
    """{"src", "", "el7", "el8": the package}, as `make rpm` builds them."""
    words = output(source / "packaging/rpm.sh", folder, env=dict(os.environ, CHECK=str(int(check)))).split()
    found = {}
    for path in map(Path, words):
        kind = re.fullmatch(r"agentprep-[0-9.]+-1(?:\.(src|el\d+))?(?:\.noarch)?\.rpm", path.name)
        assert kind, path
        found[kind.group(1) or ""] = path
    return found


@functools.lru_cache(maxsize=None)
def packages():
    """Those of this checkout, whose %check has run the tests; they are built once and gone when Python ends."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    return built(Path(folder))


def older(folder):
    """The packages of the same files, but for the version and a line of the configuration."""
    tarball = output(REPOSITORY / "packaging/sdist.sh", folder).strip()
    with tarfile.open(tarball) as stream:
        top = folder / stream.getnames()[0].split("/")[0]
        stream.extractall(str(folder))
    version = re.search("[0-9.]+$", top.name).group()
    for name in ("agentprep/__init__.py", "packaging/rpm/agentprep.spec"):
        text = (top / name).read_text()
        assert version in text
        (top / name).write_text(text.replace(version, OLDER))
    with open(str(top / "packaging/generated/agentprep.conf"), "a") as stream:
        stream.write("# of %s\n" % OLDER)
    return built(folder / "dist", top, check=False)


def provided(folder, interpreter="/usr/bin/python3", prefix="python3"):
    """The package that has what one of agentprep's needs."""
    spec = folder / "distribution.spec"
    spec.write_text(PROVIDED.format(interpreter, prefix))
    output("rpmbuild", "-bb", "--define", "_topdir %s" % folder, spec)
    return folder / "RPMS/noarch/distribution-1-1.noarch.rpm"


def debian():
    """A folder of the cache with a Debian 12 that has Python, the three modules and systemd.  Never write to it."""
    path = host.cache() / ("rpm-" + hashlib.sha256(PACKAGES.encode()).hexdigest()[:12])
    if path.exists():
        return path
    for old in host.cache().glob("rpm-*"):
        shutil.rmtree(str(old))
    making = host.cache() / "rpm-making"
    options = ['Acquire::Languages "none"', 'APT::Install-Recommends "false"'] + host.apt_options()
    words = [
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=essential",
        "--format=directory",
        "--include=" + PACKAGES,
    ]
    words += ["--aptopt=" + option for option in options] + ["--dpkgopt=force-unsafe-io"]
    words += ["--dpkgopt=path-exclude=/usr/share/%s/*" % name for name in ("man", "doc", "locale")]
    output(*words, "bookworm", making, *host.apt_sources("bookworm"), env=environment())
    making.rename(path)
    return path


class Root:
    """A system in a folder, with an rpm database of its own."""

    def __init__(self, path, database="/var/lib/rpm"):
        self.path, self.database = str(path), database

    def rpm(self, *words, code=0):
        """What rpm of this machine says, told to work on the root; its scriptlets run inside by chroot."""
        done = subprocess.run(
            ["rpm", "--root", self.path, "--dbpath", self.database, "--force-debian", *map(str, words)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
            env=environment(),
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout

    def run(self, *words, mounted={}):  # noqa: B006
        """Exit code, output and errors of a command inside, where /proc, /sys and /dev are mounted as by an installer.

        `mounted` is what else: a folder of this machine, and where it is inside.  When the command ends, nothing of its
        mounts and processes is left.
        """
        script = "set -e; mount --bind $0 $0; mount -t proc proc $0/proc; mount --rbind /sys $0/sys; "
        script += "mount --rbind /dev $0/dev; "
        # The first process stays outside, as an installer's does: it is how a program sees that it is in a chroot.
        script += "".join("mount --bind %s $0%s; " % one for one in mounted.items()) + 'chroot $0 "$@" && exit; exit $?'
        for name in ("proc", "sys", "dev"):
            os.makedirs(os.path.join(self.path, name), exist_ok=True)
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, self.path, *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
            env=environment(),
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr
