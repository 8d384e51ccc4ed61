"""The menu in a grub.cfg, judged: which entries boot a kernel of this guest, and whether they are as they should be.

listed(guest, path)                   every Listed entry that boots a kernel of this guest, in the order of the menu
others(guest, path)                   a sentence for each entry of a kernel that is not judged
initrds(guest, found)                 {kernel version: paths of the initrds that its entries load}
wrong(guest, path, add, remove)       what is wrong with the entries' arguments, or ""
unfit(guest, path, old, add, remove)  ... or with a menu that was just made and is to take the old one's place
"""

import posixpath
import re
from typing import Dict, List, NamedTuple, Sequence

from ..errors import Blocked, Malformed
from ..formats import cmdline, grubcfg
from ..formats.grubcfg import Entry
from ..guest import Guest
from ..kernels import installed
from .grub_config import placed, version

OTHERS = re.compile(r"/\d*_?os-prober$")  # the script that writes the entries of other systems
LOADERS = ("linux16", "linuxefi")  # RHEL 7's 10_linux: the first on BIOS, the second where /sys/firmware/efi is
UNSTABLE = re.compile(r"root=/dev/(sd|hd|vd|xvd|nvme|mmcblk)")  # names that change with the hypervisor


class Listed(NamedTuple):
    """A boot entry of a kernel of this guest: the titles that lead to it, the script that wrote it, itself."""

    name: str
    script: str
    entry: Entry


def listed(guest: Guest, path: str) -> List[Listed]:
    found: List[Listed] = []
    text = guest.text(path) or ""
    scripts = _scripts(text)
    for entry in entries(path, text):
        script = scripts.get(entry.line, path)
        if OTHERS.search(script) or entry.xen or not has(guest, entry):
            continue
        found.append(Listed("%s>%s" % (entry.submenu, entry.title) if entry.submenu else entry.title, script, entry))
    return found


def others(guest: Guest, path: str) -> List[str]:
    text, told = guest.text(path) or "", []
    scripts = _scripts(text)
    for entry in entries(path, text):
        if OTHERS.search(scripts.get(entry.line, "")):
            told.append("the entry %r is of another system and is left alone" % entry.title)
        elif entry.xen:
            told.append("the entry %r starts Xen, which Azure does not run, and is left alone" % entry.title)
        elif not has(guest, entry):
            told.append("%s has entries of %s, which is not in /boot" % (path, posixpath.basename(entry.kernel)))
    return sorted(set(told))


def has(guest: Guest, entry: Entry) -> bool:
    """The kernel of the entry is in the guest, wherever the loader counts its path from."""
    return guest.is_file(placed(guest, entry.kernel))


def initrds(guest: Guest, found: Sequence[Listed]) -> Dict[str, List[str]]:
    """{kernel version: paths of the initrds that its entries load}; an entry that loads one beats one that does not.

    Ubuntu's cloud images boot without an initrd and, when that failed, with one (GRUB_FORCE_PARTUUID).
    """
    told: Dict[str, List[str]] = {}
    kernels = installed(guest)
    for one in reversed(found):  # so that the first entry's is the last
        name = version(guest, one.entry.kernel, kernels)
        if name:
            paths = [placed(guest, path) for path in one.entry.initrds if not path.startswith("$")]
            told[name] = [path for path in told.get(name, []) if path not in paths] + paths
    return told


def entries(path: str, text: str) -> List[Entry]:
    """The entries of a text; Blocked names the file and line that GRUB could not read either."""
    try:
        return grubcfg.entries(text.replace("\r", ""))  # as grub_file_getline() in grub-core/normal/main.c does
    except Malformed as error:
        raise Blocked("%s, %s" % (path, error.message), error.hint) from None


def wanted(entry: Entry, add: Sequence[str], remove: Sequence[str]) -> bool:
    """The entry's kernel gets all of `add` and nothing of `remove`."""
    return cmdline.merge(entry.arguments, add, remove) == entry.arguments


def wrong(guest: Guest, path: str, add: Sequence[str], remove: Sequence[str]) -> str:
    found = listed(guest, path)
    for name, _, entry in found:
        if not wanted(entry, add, remove):
            merged = " ".join(cmdline.merge(entry.arguments, add, remove))
            return "the entry %r gets %r instead of %r" % (name, " ".join(entry.arguments), merged)
    names = [posixpath.basename(one.entry.kernel) for one in found]
    lacking = [one.image for one in installed(guest) if posixpath.basename(one.image) not in names]
    return "there is no entry for %s" % ", ".join(lacking) if lacking else ""


def unfit(guest: Guest, path: str, old: str, add: Sequence[str], remove: Sequence[str]) -> str:
    try:
        made = entries(path, guest.text(path) or "")
    except Blocked as error:
        return error.message
    if not made:
        return "it has no entry of a Linux kernel"
    text, was = guest.text(path) or "", entries(old, guest.text(old) or "")
    before = {argument for entry in was for argument in entry.arguments}
    uses, had = ({entry.command for entry in menu if entry.command in LOADERS} for menu in (made, was))
    if uses and had and not uses & had:
        return "its entries start kernels with %s instead of %s, as if this were another firmware" % (
            "/".join(sorted(uses)), "/".join(sorted(had)),
        )  # fmt: skip
    foreign = [one for one in _foreign(text) if one not in _foreign(guest.text(old) or "")]
    if guest.root != "/" and foreign:
        return "os-prober found %s, which is on this machine's disks, not the guest's" % ", ".join(foreign)
    for entry in made:
        for argument in entry.arguments:
            if UNSTABLE.match(argument) and argument not in before and has(guest, entry):
                return "the entry %r has %s, a name that changes; is /dev/disk/by-uuid there?" % (entry.title, argument)
    return wrong(guest, path, add, remove)


def _foreign(text: str) -> List[str]:
    """The titles of the entries that os-prober wrote."""
    scripts = _scripts(text)
    return [repr(entry.title) for entry in entries("", text) if OTHERS.search(scripts.get(entry.line, ""))]


def _scripts(text: str) -> Dict[int, str]:
    """The script that wrote each line, by grub-mkconfig's own marks."""
    found, script = {}, ""
    for number, line in enumerate(text.split("\n"), 1):
        mark = re.match(r"### (BEGIN|END) (\S+) ###", line)
        if mark:
            script = mark.group(2) if mark.group(1) == "BEGIN" else ""
        elif script:
            found[number] = script
    return found
