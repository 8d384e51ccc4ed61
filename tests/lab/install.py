"""agentprep in a guest, by the package that `make deb` makes; and its files alone, for what is no Debian."""

import configparser
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from . import guests, host

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = "/usr/lib/python3/dist-packages"
# All that the .deb is made from: folders and files.
SOURCES = ("agentprep", "packaging", "systemd", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
ENTRY = """#!/usr/bin/python3
import sys

from {module} import {function}

sys.exit({function}())
"""


def files():
    """{guest path: bytes} of the Python package in this checkout and of its command."""
    found = {}
    for path in _below("agentprep"):
        found[f"{PACKAGES}/{path.relative_to(REPOSITORY)}"] = path.read_bytes()
    setup = configparser.ConfigParser()
    setup.read(str(REPOSITORY / "setup.cfg"), encoding="utf-8")
    for line in setup["options.entry_points"]["console_scripts"].strip().splitlines():
        name, _, target = line.partition("=")
        module, _, function = target.strip().partition(":")
        found["/usr/bin/" + name.strip()] = ENTRY.format(module=module, function=function).encode()
    return found


def package(say=print):
    """Path of the .deb of this checkout, built now, without its tests, unless the cache has it."""
    path = host.cache() / f"agentprep-{digest()}_all.deb"
    with guests.locked("agentprep-deb"):
        if not path.exists():
            say(f"building agentprep's package; later uses take it from {path.parent}")
            make(REPOSITORY, path)
    return path


def make(tree, path):
    """The .deb of a source tree is at *path*."""
    folder = path.with_suffix(".making")
    command = [str(tree / "packaging/deb.sh"), str(folder)]
    env = dict(os.environ, DEB_BUILD_OPTIONS="nocheck", LINTIAN="0")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    if done.returncode:
        raise SystemExit("lab: agentprep's package cannot be built:\n" + done.stdout.decode("utf-8", "replace"))
    (made,) = folder.glob("*.deb")
    made.rename(path)
    shutil.rmtree(str(folder))


def digest():
    """Changes when anything changes that the .deb is made from."""
    found = hashlib.sha256()
    for path in _sources():
        found.update(str(path.relative_to(REPOSITORY)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:12]


def _sources():
    """The files that the .deb is made from: in a clone, as in sdist.sh, those that git knows."""
    if not (REPOSITORY / ".git").exists():
        return sorted(path for name in SOURCES for path in _below(name))
    unknown = _listed("--others", "--exclude-standard", "--", "agentprep", "systemd")
    if unknown:
        print("not in agentprep's package, since git does not know them (git add):", *unknown)
    return sorted(path for path in (REPOSITORY / name for name in _listed("--", *SOURCES)) if path.is_file())


def _listed(*words):
    """Names of files, as git lists them."""
    command = ["git", "-C", str(REPOSITORY), "ls-files", "-z", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout.split("\0")[:-1]


def _below(name):
    """A file of this checkout, or the files of a folder of it."""
    top = REPOSITORY / name
    found = [top] if top.is_file() else sorted(top.rglob("*"))
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


def install(vm):
    """The agentprep of this checkout is installed in the running guest, by dpkg."""
    vm.push({"/root/agentprep.deb": package().read_bytes()})
    vm.sh("dpkg --install /root/agentprep.deb && rm /root/agentprep.deb", timeout=600, check=True)
