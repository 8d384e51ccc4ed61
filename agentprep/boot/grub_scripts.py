"""The scripts in /etc/grub.d that print menu entries which a person wrote, such as 40_custom.

texts(guest, menus, add, remove)          {path: new text} of these scripts, and of the files of entries in `menus`
refuse_opaque(guest, listed, add, remove) raises Blocked for an entry that is wrong and whose script cannot be edited
"""

import re
from typing import Dict, List, Sequence

from ..errors import Blocked, Malformed
from ..formats import cmdline, grubcfg
from ..guest import Guest
from . import grub_menu
from .grub_menu import Listed

SCRIPTS = "/etc/grub.d/*"
LIBRARY = "grub-mkconfig_lib"  # sourced by the scripts that look for kernels themselves


def texts(guest: Guest, menus: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> Dict[str, str]:
    found = {}

    def transform(entry: grubcfg.Entry) -> List[str]:
        return cmdline.merge(entry.arguments, add, remove) if grub_menu.has(guest, entry) else entry.arguments

    for path in [path for path in guest.glob(SCRIPTS) if _runs(guest, path) and _prints(guest, path)] + list(menus):
        text = guest.text(path) or ""
        try:
            edited = grubcfg.edit(text, transform)
        except Malformed as error:
            raise Blocked("%s, %s" % (path, error.message), error.hint) from None
        if edited != text:
            found[path] = edited
    return found


def refuse_opaque(guest: Guest, listed: Sequence[Listed], add: Sequence[str], remove: Sequence[str]) -> None:
    for one in listed:
        if _is_opaque(guest, one.script) and not grub_menu.wanted(one.entry, add, remove):
            raise Blocked(
                "%s writes the entry %r with other arguments, in a way that agentprep cannot edit"
                % (one.script, one.name),
                "edit it by hand so that the entry gets: %s; or take its execute permission away"
                % " ".join(cmdline.merge(one.entry.arguments, add, remove)),
            )


def _runs(guest: Guest, path: str) -> bool:
    found = guest.stat(path)
    return found is not None and guest.is_file(path) and bool(found.st_mode & 0o111) and path[-1] != "~"


def _prints(guest: Guest, path: str) -> bool:
    text = guest.text(path) or ""
    return LIBRARY not in text and bool(re.search(r"(?m)^\s*(linux|linux16|linuxefi)\s+\S*/", text))


def _is_opaque(guest: Guest, script: str) -> bool:
    if not script.startswith("/etc/grub.d/") or not _runs(guest, script) or _prints(guest, script):
        return False
    return not re.search(r"GRUB_CMDLINE_LINUX|%s" % LIBRARY, guest.text(script) or "")
