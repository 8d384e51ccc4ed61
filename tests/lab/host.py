"""What the lab needs of the machine it runs on: packages, a Debian mirror, a cache."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from .disks import OVMF_CODE

# program -> Debian package
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "sfdisk": "fdisk",
    "mke2fs": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "debugfs": "e2fsprogs",
    "setpriv": "util-linux",
    "zstd": "zstd",
}
DEBIAN = (
    "deb http://deb.debian.org/debian {suite} main",
    "deb http://deb.debian.org/debian-security {suite}-security main",
)


# file that is no program -> Debian package
FILES = {OVMF_CODE: "ovmf"}


def missing():
    """The Debian packages whose programs or files are not here."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    lacking = {package for program, package in PROGRAMS.items() if not shutil.which(program, path=path)}
    return sorted(lacking | {package for file, package in FILES.items() if not os.path.exists(file)})


def install_missing():
    """Every program of the lab is here; returns the packages that were installed for that."""
    packages = missing()
    if packages:
        if os.geteuid():
            raise SystemExit(f"lab: not root, so install these first: apt-get install {' '.join(packages)}")
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.run(["apt-get", "--quiet", "update"], check=True, env=env)
        subprocess.run(
            ["apt-get", "--quiet", "--yes", "--no-install-recommends", "install", *packages], check=True, env=env
        )
    return packages


def apt_sources(suite, security=True):
    """Lines of sources.list for *suite*: LAB_MIRROR, or where this host's own apt looks, or deb.debian.org."""
    if os.environ.get("LAB_MIRROR"):
        return [f"deb {os.environ['LAB_MIRROR']} {suite} main"]
    found = []
    if shutil.which("apt-get"):
        targets = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=True,
        ).stdout
        for line in dict.fromkeys(targets.splitlines()):
            uri, release, component = line.split(" ")
            if component == "main" and release in (suite, suite + "-updates", suite + "-security"):
                found.append(f"deb {uri} {release} main")
    if not any(line.endswith(f" {suite} main") for line in found):
        return [line.format(suite=suite) for line in DEBIAN[: 1 + security]]
    return found


def apt_options():
    """This host's own way to its mirror (proxies, timeouts, expired Release files), as apt options."""
    if not shutil.which("apt-config"):
        return []
    dump = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
    wanted = re.compile(r'Acquire::(https?::[A-Za-z:.-]+|Check-[A-Za-z-]+|Retries) ".+";$')
    return [line[:-1] for line in dump.splitlines() if wanted.match(line)]


def cache():
    """The folder of finished guests; it exists."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(base) / "agentprep-lab"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
