"""Throw-away Debian systems: an overlay above a tree that mmdebstrap makes once, in namespaces of their own.

No network is in there: what agentprep's package depends on lies in the tree's cache of apt, to be installed from it.
"""

import hashlib
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.lab import guests, host

SUITES = ("bullseye", "bookworm", "trixie")
# systemd is what a machine has; passwd, for adding a user, is not in every release's minimum.
INCLUDE = "systemd,passwd"
FETCHED = "python3-psutil python3-distro python3-configobj"
# What debian/tests need beside that; one release's is enough.
ALSO = {"bookworm": "python3-pytest python3-pytest-xdist python3-hypothesis python3-jsonschema python3-yaml"}
FETCH = 'chroot "$1" apt-get --quiet --yes --no-install-recommends --download-only install %s'
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "TERM": "dumb",
}
# $1 is the tree, $2 an empty folder.
SETUP = """
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$2/root"
mount -t proc proc "$2/root/proc"
mount --rbind /dev "$2/root/dev"
echo ready
exec sleep infinity
"""


def tree(suite):
    """The folder of a minimal Debian in the lab's cache; made once."""
    fetch = FETCH % " ".join([FETCHED, ALSO.get(suite, "")])
    made_of = hashlib.sha256(repr((suite, INCLUDE, fetch)).encode()).hexdigest()[:12]
    path = host.cache() / f"chroot-{suite}-{made_of}"
    with guests.locked(f"chroot-{suite}"):
        if not path.is_dir():
            making = path.with_name(path.name + ".making")
            shutil.rmtree(str(making), ignore_errors=True)
            options = ['Acquire::Languages "none"', 'APT::Install-Recommends "false"', *host.apt_options()]
            command = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--include=" + INCLUDE]
            command += ["--aptopt=" + option for option in options]
            command += ["--dpkgopt=force-unsafe-io", "--skip=cleanup/apt", "--customize-hook=" + fetch]
            # Some mirrors' security archive of the oldest release lists packages that it does not hold any more.
            command += [suite, str(making), *host.apt_sources(suite, security=suite != "bullseye")]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
            )
            assert done.returncode == 0, done.stdout[-3000:]
            making.rename(path)
    return path


class Entry(NamedTuple):
    """What lies at a path: everything of it that a package could leave behind, but for times."""

    kind: str
    mode: int
    owner: str
    content: str


class World:
    """A running throw-away system; all of it is gone when the context ends, or this process."""

    def __init__(self, suite, folder):
        self.suite, self.folder = suite, Path(folder)

    def __enter__(self):
        words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
        words += ["sh", "-euc", SETUP, "sh", str(tree(self.suite)), str(self.folder)]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        first = self.process.pid
        (self.inside,) = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        self.root = Path(f"/proc/{self.inside}/root{self.folder}/root")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def beside(self, *argv, stdin=b""):
        """(exit code, output) of a command of this machine that sees the system's tree in `folder`/root."""
        words = ["nsenter", "--target", self.inside, "--mount", "--pid", *argv]
        done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def run(self, script, user="root", stdin=b""):
        """(exit code, output) of a shell script in the system, without a network."""
        change = ["unshare", "--net", "chroot", str(self.folder / "root")]
        if user != "root":
            change += ["runuser", "-u", user, "--"]
        return self.beside(*change, "sh", "-c", script, stdin=stdin)

    def out(self, script, stdin=b""):
        """The output of a script that must not fail."""
        code, said = self.run(script, stdin=stdin)
        assert code == 0, f"{self.suite}: {script}\n{said[-3000:]}"
        return said

    def put(self, path, content):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def read(self, path):
        return (self.root / path.lstrip("/")).read_bytes()

    def there(self, path):
        return os.path.lexists(str(self.root / path.lstrip("/")))

    def seen(self, *left_out):
        """{path: Entry} of the whole tree but the kernel's own file systems and what is left out."""
        found, top = {}, str(self.root)
        for folder, names, files in os.walk(top):
            at = folder[len(top) :]
            names[:] = [one for one in names if f"{at}/{one}" not in ("/proc", "/dev", "/sys", *left_out)]
            for name in names + files:
                if f"{at}/{name}" not in left_out:
                    found[f"{at}/{name}"] = _entry(os.path.join(folder, name))
        return found


def _entry(path):
    status = os.lstat(path)
    owner, content = f"{status.st_uid}:{status.st_gid}", ""
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        with open(path, "rb") as stream:
            content = hashlib.sha256(stream.read()).hexdigest()
    return Entry(stat.filemode(status.st_mode)[0], stat.S_IMODE(status.st_mode), owner, content)
