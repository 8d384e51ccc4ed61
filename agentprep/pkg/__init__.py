"""Package backends: how the guest installs a package of its distribution.

A backend has `name`, `probe(guest)` (a sentence of evidence, or None), and on an instance:

- `version(package)`: the version that is installed, or None
- `install(package, names the row's repository, policy limits)`: the changes that install it; see apt.py
"""

from typing import Any, Tuple

from ..evidence import AUTO
from ..evidence import pick as _pick
from ..guest import Guest
from .apt import Apt

BACKENDS = (Apt,)


def pick(guest: Guest, wanted: str = AUTO) -> Tuple[Any, str]:
    """The package backend in use and the evidence."""
    return _pick("package manager", guest, BACKENDS, wanted)
