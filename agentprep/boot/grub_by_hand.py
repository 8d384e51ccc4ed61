"""Kernel arguments that `grubby --args` put into the entries of grub.cfg, and into no source of theirs.

given(guest, menu, defaults, found)   those of the newest kernel's entry that grub-mkconfig would not bring back, with
                                      all others of their names

C grubby (RHEL 7, Amazon Linux 2) edits grub.cfg alone, and new-kernel-pkg has later entries copy the default one's
arguments (--copy-default), so that they stay until grub2-mkconfig is run.  Without a grubby, or where the sources are
newer than the menu, an entry that differs was made before they were edited.
"""

import posixpath
from typing import List, Sequence

from ..formats import cmdline
from ..guest import Guest
from ..kernels import NO_KERNEL
from .grub_defaults import Defaults
from .grub_menu import Listed

TOOLS = ("grubby", "new-kernel-pkg")
# What 10_linux and new-kernel-pkg write by themselves.
MADE = ("root", "rootflags", "ro", "rw", "init", "LANG", "single", "BOOT_IMAGE")


def given(guest: Guest, menu: str, defaults: Defaults, found: Sequence[Listed]) -> List[str]:
    if not any(map(guest.which, TOOLS)) or not _newer(guest, menu, defaults.paths):
        return []
    future = defaults.future()["future"]
    made = [one.entry for one in found if one.script.endswith("_linux") and not one.entry.recovery]
    made = [entry for entry in made if not NO_KERNEL.search(posixpath.basename(entry.kernel))]
    words = made[0].arguments if made else []
    missing = [cmdline.key(word) for word in future if word not in words]  # which has another value there
    more = {cmdline.key(word) for word in words if word not in future and word[:1] != "$"}
    return [word for word in words if cmdline.key(word) in more.difference(MADE, missing)]


def _newer(guest: Guest, path: str, others: Sequence[str]) -> bool:
    stats = [guest.stat(one) for one in [path] + list(others)]
    times = [one.st_mtime for one in stats if one is not None]
    return stats[0] is not None and all(times[0] > one for one in times[1:])
