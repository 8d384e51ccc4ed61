"""Boot backends: which loader starts the guest's kernels, and where each kernel's command line is decided.

A backend has `name`, `probe(guest)` (a sentence of evidence, or None), and on an instance:

- `arguments()`: {entry title: list of arguments} of every existing boot entry of a Linux kernel of this system, as the
  loader would use it now, plus "future" for a kernel that is installed tomorrow
- `set_arguments(transform)`: the changes to every live store after which each entry and "future" is what `transform`
  (arguments -> arguments) makes of it; derived files are left to `generate`
- `sources`: globs of the files from which the loader's configuration is generated
- `generate(wanted)`: the changes that build the derived configuration beside, read it back (raising CommandFailed when an
  entry's arguments are not what `wanted(arguments)` says), and move it into place; None when nothing is derived
"""

from typing import Any, Tuple

from ..evidence import pick as _pick
from ..guest import Guest
from .grub2 import Grub2

BACKENDS = (Grub2,)


def pick(guest: Guest) -> Tuple[Any, str]:
    """The boot backend in use and the evidence."""
    return _pick("boot loader", guest, BACKENDS, "agentprep knows GRUB 2 with grub-mkconfig")
