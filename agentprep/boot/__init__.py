"""Boot backends: which loader starts the guest's kernels, and where each kernel's command line is decided.

A backend has `name`, `probe(guest)` (a sentence of evidence, or None), and on an instance:

- `arguments()`: {entry: list of arguments} of every existing boot entry of a Linux kernel of this system, as the loader
  would use it now, plus "future" (and "future (recovery)" where there is such an entry) for a kernel installed tomorrow
- `set_arguments(add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]`: the changes to every store that a
  person or a package writes, after which each entry and each future one has all of `add` and nothing of `remove`
  (patterns of formats.cmdline.matches); yields nothing when that is so already.  Derived files are left to `generate`.
  Raises Blocked, with file and line, when the value is decided where agentprep cannot edit it
- `set_arguments_of(versions, add, remove)`: the same for the entries of these kernels only; a backend whose entries all
  get one value has no such method
- `notes()`: sentences about entries and settings that are left as they are
- `initrds()`: {kernel version: canonical guest paths of the initrds that its boot entries load, the real one last}; a
  kernel whose entries load none has an empty list, one without an entry is absent, as are rescue and kdump entries
- `without_initrd()`: the names of those entries that start their kernel without an initrd
- `menu_on_serial()`: the sentence that proves that the loader's menu is on the serial port too, or ""
- `set_menu_on_serial(speed) -> Iterator[Change]`: the changes after which it is
- `sources`: globs of the files from which the loader's configuration is generated
- `stale(add, remove) -> str`: why the derived configuration is wrong, or ""
- `generate(add, remove) -> Iterator[Change]`: the changes that build the derived configuration beside, read it back
  (raising CommandFailed when an entry is not as `add` and `remove` want it), and move it into place; nothing where
  nothing is derived
- `foreseen`: the derived configuration is unknown until a planned `generate` has run
"""

from typing import Any, Tuple

from ..errors import Blocked
from ..evidence import AUTO
from ..evidence import pick as _pick
from ..guest import Guest
from .bls import BLS
from .grub2 import Grub2
from .grub_bls import GrubBls
from .grub_legacy import GrubLegacy
from .systemd_boot import SystemdBoot
from .unsupported import recognised

BACKENDS = (Grub2, BLS, GrubLegacy, SystemdBoot, GrubBls)


def pick(guest: Guest, wanted: str = AUTO) -> Tuple[Any, str]:
    """The boot backend in use and the evidence; Blocked names a loader that agentprep knows and cannot change."""
    try:
        return _pick("boot loader", guest, BACKENDS, wanted)
    except Blocked:
        told = None if any(backend.probe(guest) for backend in BACKENDS) else recognised(guest)
        if told:
            raise Blocked(*told) from None
        raise
