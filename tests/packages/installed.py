"""A throw-away Debian 12 as an unattended installer leaves a machine for its scripts, with the installer beside it.

Both are overlays above one tree that mmdebstrap makes once.  They live in namespaces of one script: when that ends, or
is killed, nothing of them is left but what it printed.
"""

import hashlib
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.lab import guests, host, install
from tests.packages import redhat

PACKAGES = (
    "systemd,systemd-sysv,rpm,curl,wget,ca-certificates,sudo,busybox-static,cloud-init,"
    "python3-psutil,python3-distro,python3-configobj"
)
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}
# Debian's rpm installs nothing without the first of these, and knows nothing of what dpkg has installed.
RPM = """\
#!/bin/sh
case " $* " in *" --install "*) set -- --force-debian --nodeps "$@" ;; esac
exec /usr/bin/rpm "$@"
"""
# $1 is an empty folder, $2 the tree, $3 the script; the installer has the new system at the place of each kind of them.
SETUP = """
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
for name in live system; do
    mkdir -p "$1/$name-upper" "$1/$name-work" "$1/$name"
    mount -t overlay -o "lowerdir=$2,upperdir=$1/$name-upper,workdir=$1/$name-work" overlay "$1/$name"
    mount -t proc proc "$1/$name/proc"
    mount --rbind /dev "$1/$name/dev"
    mount -t tmpfs tmpfs "$1/$name/run"
done
mkdir -p "$1/live/mnt/sysroot" "$1/live/target" "$1/live/cdrom"
mount --rbind "$1/system" "$1/live/mnt/sysroot"
mount --rbind "$1/system" "$1/live/target"
tar -C "$1/live" -xf - --no-same-owner
exec chroot "$1/live" sh -c "$3"
"""
# $1 and $2 as above, $3 the folder of what is added.  The machine has this one's network; nothing here hears of it.
BOOT = """
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$3:$2,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
exec systemd-nspawn --quiet --register=no --keep-unit --directory="$1/root" --boot
"""


def tree():
    """The folder of the Debian that both overlays are above; made once, in the lab's cache."""
    path = host.cache() / ("installed-" + hashlib.sha256((PACKAGES + RPM).encode()).hexdigest()[:12])
    with guests.locked("installed"):
        if not path.is_dir():
            for former in host.cache().glob("installed-*"):
                shutil.rmtree(str(former))
            make(path)
    return path


def make(path):
    """The tree is in the folder, which was not there."""
    making = path.with_name(path.name + ".making")
    options = ['Acquire::Languages "none"', 'APT::Install-Recommends "false"'] + host.apt_options()
    command = ["mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", "--include=" + PACKAGES]
    command += ["--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*"]
    command += ["--aptopt=" + option for option in options]
    done = subprocess.run(
        command + ["bookworm", str(making)] + host.apt_sources("bookworm"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    wrapper = making / "usr/local/bin/rpm"
    wrapper.write_text(RPM)
    wrapper.chmod(0o755)
    making.rename(path)


def run(folder, script, live=None):
    """(exit code, output) of a script in the installer; live: {its path: bytes, a program where they begin with #!}."""
    archive, work = folder / "files", folder / "world"
    (archive / "tmp").mkdir(parents=True)
    work.mkdir()
    for path, content in (live or {}).items():
        target = archive / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755 if content[:2] == b"#!" else 0o644)
    (archive / "tmp").chmod(0o1777)
    packed = subprocess.run(["tar", "-C", str(archive), "-cf", "-", "."], stdout=subprocess.PIPE, check=True).stdout
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
    command += ["sh", "-euc", SETUP, "sh", str(work), str(tree()), script]
    done = subprocess.run(command, input=packed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT)
    return done.returncode, done.stdout.decode(errors="replace")


def built(folder):
    """This checkout's packages are in the folder: agentprep.deb, and agentprep.rpm, which is not that of EL 7 and 8."""
    shutil.copy(str(install.package()), str(folder / "agentprep.deb"))
    shutil.copy(str(redhat.packages()[""]), str(folder / "agentprep.rpm"))


@contextmanager
def served(folder):
    """The folder's address on a web server of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield "http://127.0.0.1:%d" % server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def booting(folder, files):
    """A machine boots whose disk is the tree and these files; a function that gives what its console has said."""
    for path, content in files.items():
        target = folder / "seed" / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    (folder / "world").mkdir()
    command = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]
    command += ["sh", "-euc", BOOT, "sh", str(folder / "world"), str(tree()), str(folder / "seed")]
    before = groups()
    with open(str(folder / "console"), "wb") as console:
        machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=ENVIRONMENT)
        try:
            yield lambda: (folder / "console").read_bytes().decode(errors="replace")
        finally:
            machine.kill()
            machine.wait()
            until = time.monotonic() + 10
            while groups() - before and time.monotonic() < until:
                for path in sorted(groups() - before, reverse=True):
                    with suppress(OSError):  # its processes are just ending
                        path.rmdir()


def groups():
    """The control groups that systemd-nspawn makes below its own, and leaves."""
    found = Path("/sys/fs/cgroup").glob("**/*")
    return {path for path in found if {"payload", "supervisor"} & set(path.parts) and path.is_dir()}
