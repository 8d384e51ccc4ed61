"""Initrd backends: which tool builds the guest's initrds, and how it is told what to put into them.

A backend has `name`, `probe(guest)` (a sentence of evidence, or None), and on an instance:

- `named`: {kernel version: the guest path of the initrd that its boot entry loads}, set by whoever picked it
- `live`: the running machine is the guest, so that what its kernel tells of devices is true of it; set likewise
- `image(kernel)`: the guest path of the initrd that the kernel is booted with: the one named, else the tool's own name
- `rule(modules)`: the changes after which every initrd built from now on holds the modules
- `sources`: globs of the files from which initrds are built
- `no_resume(swap)`: the changes after which images built from now on do not wait for a swap to resume from; `swap`
  tells whether the OS disk has one (had one, before this run)
- `stale(held, image)`: why an image that holds `held` is wrong by the tool's own configuration, or ""
- `build(orders, why)`: the Run that builds each kernel's image at `beside(image)`, side by side when there are several
- `size(kernel)`: bytes of the present image
- `installed(kernel)`: the changes that follow a new image (checksums, hooks); may be none
"""

from typing import Any, Tuple

from ..evidence import AUTO
from ..evidence import pick as _pick
from ..guest import Guest
from .dracut import Dracut
from .initramfs_tools import InitramfsTools
from .mkinitrd import RedHatMkinitrd, SuseMkinitrd

BACKENDS = (InitramfsTools, Dracut, SuseMkinitrd, RedHatMkinitrd)


def pick(guest: Guest, wanted: str = AUTO) -> Tuple[Any, str]:
    """The initrd backend in use and the evidence."""
    return _pick("initrd tool", guest, BACKENDS, wanted)
