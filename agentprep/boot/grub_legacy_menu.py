"""Where GRUB Legacy's menu is: which loaders there are, which file each reads, and what of this guest it starts.

live(guest)                           every Menu that a loader of the guest reads
unread(guest)                         sentences about menus that no loader reads
grub2(guest, entries)                 what shows that GRUB 2 starts the guest all the same, or ""
version(guest, entry)                 the version of the entry's kernel, or None when the guest has no such kernel
file(guest, path)                     the guest's path of what an entry calls `path`, or None when there is no such file
"""

import posixpath
import re
from typing import List, NamedTuple, Optional, Sequence

from ..formats.grublegacy import GRUB2, Entry
from ..guest import Guest

FOLDER = "/boot/grub"
STAGE2 = FOLDER + "/stage2"
MENUS = (FOLDER + "/menu.lst", FOLDER + "/grub.conf")
LINK = "/etc/grub.conf"  # Red Hat's link to the menu that is used; the same name is a script on SUSE
LOADERS = "/boot/efi/EFI/*/*.[eE][fF][iI]"
CORES = ("/boot/grub/i386-pc/core.img", "/boot/grub2/i386-pc/core.img", "/boot/grub/core.img")
CONFIGS = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg")

# stage2/asm.S: the version and the menu's name stand at the beginning of the second sector.
READS = re.compile(rb"/(menu\.lst|grub\.conf)\0")
# LINUX_CL_END_OFFSET in stage2/shared.h, as an add or lea has it: upstream, and Debian's 0.97-80, copy 255 bytes of
# arguments (boot.c); Red Hat's goes up to 0x97ff and to what the kernel takes.
UPSTREAM = re.compile(rb"(\x05|\x8d[\x80-\xbf]|\x81[\xc0-\xc7])\xff\x90\x00\x00", re.DOTALL)
SHORT, LONG = 255, 2047
LARGEST = 1 << 20  # bytes; a stage 2 has some 120 KiB


class Menu(NamedTuple):
    """A menu, the loader that reads it, and how many bytes of arguments that hands to a kernel."""

    path: str
    loader: str
    capacity: int


def live(guest: Guest) -> List[Menu]:
    found: List[Menu] = []
    there = guest.stat(STAGE2)
    stage2 = guest.read(STAGE2) if there and guest.is_file(STAGE2) and there.st_size < LARGEST else None
    path = _read_by(guest, stage2) if stage2 is not None else None
    if stage2 is not None and path is not None:
        found.append(Menu(path, STAGE2, SHORT if UPSTREAM.search(stage2) else LONG))
    for loader in guest.glob(LOADERS):
        beside = loader[:-4] + ".conf"  # grub_set_config_file() in efi/efimisc.c of Red Hat's GRUB 0.97
        modern = guest.is_file(posixpath.join(posixpath.dirname(loader), "grub.cfg"))
        if guest.is_file(beside) and not modern and guest.canonical(beside) not in [one.path for one in found]:
            found.append(Menu(guest.canonical(beside), loader, LONG))
    return found


def unread(guest: Guest) -> List[str]:
    used = {one.path: one.loader for one in live(guest)}
    rest = [path for path in map(guest.canonical, MENUS) if guest.is_file(path) and path not in used]
    return ["%s is read by no loader, and is left alone" % path for path in rest if used]


def grub2(guest: Guest, entries: Sequence[Entry]) -> str:
    config = next((path for path in CONFIGS if _boots(guest.text(path) or "")), "")
    core = next((path for path in CORES if guest.is_file(path)), "")
    through = next((entry.title for entry in entries if entry.kind == GRUB2), "")
    if config and (core or through):
        return "%s is started by %s" % (config, core or "the entry %r" % through)
    return ""


def version(guest: Guest, entry: Entry) -> Optional[str]:
    image = file(guest, entry.kernel)
    return None if image is None else re.sub(r"^[^-]*-?", "", posixpath.basename(image))


def file(guest: Guest, path: str) -> Optional[str]:
    """/boot may be a file system of its own, to GRUB, or a folder of the root."""
    name = posixpath.basename(path)
    found = [one for one in ("/boot/" + path.lstrip("/"), path, "/boot/" + name) if name and guest.is_file(one)]
    return guest.canonical(found[0]) if found else None


def _read_by(guest: Guest, stage2: bytes) -> Optional[str]:
    there = [path for path in MENUS if guest.is_file(path)]
    named = READS.search(stage2[:1024])
    likely = [FOLDER + "/" + named.group(1).decode()] if named else []
    link = guest.canonical(LINK) if guest.link(LINK) is not None else ""
    likely += [path for path in there if guest.canonical(path) == link]
    chosen = next((path for path in likely + there if path in there), None)
    return None if chosen is None else guest.canonical(chosen)


def _boots(text: str) -> bool:
    return bool(re.search(r"(?m)^\s*(linux(16|efi)?\s|blscfg\b)", text))
