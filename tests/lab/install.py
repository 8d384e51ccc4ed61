"""agentprep in a guest, as its package would put it there."""

import configparser
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = "/usr/lib/python3/dist-packages"
ENTRY = """#!/usr/bin/python3
import sys

from {module} import {function}

sys.exit({function}())
"""


def files():
    """{guest path: bytes} of the package in this checkout and of its command."""
    found = {}
    for path in sorted((REPOSITORY / "agentprep").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            found[f"{PACKAGES}/{path.relative_to(REPOSITORY)}"] = path.read_bytes()
    setup = configparser.ConfigParser()
    setup.read(str(REPOSITORY / "setup.cfg"), encoding="utf-8")
    for line in setup["options.entry_points"]["console_scripts"].strip().splitlines():
        name, _, target = line.partition("=")
        module, _, function = target.strip().partition(":")
        found["/usr/bin/" + name.strip()] = ENTRY.format(module=module, function=function).encode()
    return found


def install(vm):
    """The agentprep of this checkout is installed in the running guest, compiled as Debian's packages are."""
    vm.push(files())
    vm.sh(f"python3 -m compileall -q {PACKAGES}/agentprep", check=True)
