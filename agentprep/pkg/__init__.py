"""Package backends: how the guest installs a package of its distribution.

A backend has `name`, `probe(guest)` (a sentence of evidence, or None), and on an instance:

- `database`: the path of its record of what is installed; on a draft on which a package is to be installed it is
  unknown (guest.guessed), and so is what the package brings
- `listing`: the command that tells a person what a package brought
- `version(package)`: the version that is installed, or None; Unknown when that cannot be told here
- `changelog(image, version)`: the changelog of the package that brought a kernel; Unknown or "" when there is none
- `install(packages, repository, policy, outputs, live, removes)`: the changes that install them; see apt.py
"""

from typing import Any, Tuple

from ..evidence import AUTO
from ..evidence import pick as _pick
from ..guest import Guest
from .apt import Apt
from .dnf import Dnf
from .rpm import Rpm
from .yum import Yum
from .zypper import Zypper

BACKENDS = (Apt, Dnf, Yum, Zypper, Rpm)


def pick(guest: Guest, wanted: str = AUTO) -> Tuple[Any, str]:
    """The package backend in use and the evidence."""
    return _pick("package manager", guest, BACKENDS, wanted)
