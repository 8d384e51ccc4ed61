"""Init backends: how a service is made to start at boot, by files alone, so that it works in a chroot as well.

A backend has `name`, `probe(guest)` (a sentence of evidence, or None), and on an instance:

- `unit(names)`: the first of the service names that exists, or None
- `enabled(name)`: whether it starts at boot
- `enable(name)` / `disable(name)` / `mask(name)`: the changes (links) after which it does or does not
- `masked(name)`: the path of what keeps it from starting, whatever wants it, or ""
"""

from typing import Any, Tuple

from ..evidence import AUTO
from ..evidence import pick as _pick
from ..guest import Guest
from .systemd import Systemd
from .sysv import SysV
from .upstart import Upstart

BACKENDS = (Systemd, Upstart, SysV)


def pick(guest: Guest, wanted: str = AUTO) -> Tuple[Any, str]:
    """The init system in use and the evidence."""
    return _pick("init system", guest, BACKENDS, wanted)
