"""File systems are mounted by UUID, which a disk keeps when the hypervisor changes; the kernel finds / so too."""

import fnmatch
import re
from typing import Dict, Iterator, List, NamedTuple

from .. import devices
from ..by_hand import ARGUMENTS
from ..changes import Write
from ..errors import Blocked, Malformed
from ..formats import cmdline, shellvars
from ..formats.fstab import Entry, parse, with_device
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

# Names that depend on the machine's controllers, or (labels) that Microsoft's own test does not take.
VOLATILE = re.compile(
    r"/dev/(sd[a-z]|vd[a-z]|hd[a-z]|xvd[a-z]|nvme\d|mmcblk\d|cciss/|ida/|mpath/|disk/by-(id|path|label|partlabel)/)"
    r"|(LABEL|PARTLABEL|ID)="
)
# The first hypervisor's DVD and floppy drive, which installers write down.
REMOVABLE = re.compile(r"/dev/(sr\d|scd\d|cdrom|cdrw|dvd|fd\d|floppy)")
BY_UUID = "/dev/disk/by-uuid/"
GRUB = "/etc/default/grub"
WHY = "a UUID stays when the hypervisor changes"


class Line(NamedTuple):
    """A line of fstab that names a device by something that may change, and the UUID, "" if it is not known."""

    entry: Entry
    uuid: str


def changes(system: System, policy: Policy) -> Iterator[Item]:
    guest = system.guest
    text = guest.text("/etc/fstab")
    if text is None:
        yield Fact("ok", "not applicable: there is no /etc/fstab")
    entries = [entry for entry in parse(text or "") if entry.kind != "swap"]
    lines = [Line(entry, _uuid(system, entry)) for entry in entries if _volatile(entry.device)]
    roots = _roots(system)
    if not policy.flag("fstab.rewrite"):
        named = ["line %d: %s" % (line.entry.line, line.entry.device) for line in lines]
        named += sorted(set(roots.values()))
        if named:
            yield Fact("warning", "by policy these names stay: %s" % ", ".join(named), "[fstab] rewrite = yes")
        return
    if text is not None:
        yield from _rewritten(system, text, lines)
    yield from _leftovers(entries)
    yield from _by_uuid(system, roots)
    mounted = [entry for entry in parse(guest.text("/etc/fstab") or "") if entry.kind != "swap"]
    done = ", ".join(entry.mount_point for entry in mounted if entry.device.startswith("UUID=")) or "nothing"
    yield Fact("ok", "by UUID: %s; %s" % (done, _told(system)))


def multipath(device: str) -> bool:
    """The name is one that multipathd gives a disk of several paths, or a partition of it; Azure has none."""
    return bool(re.match(r"/dev/mapper/(mpath[a-z]+|3[0-9a-f]{16}|3[0-9a-f]{32})([-_]?p(art)?\d+|\d+)?$", device))


def _volatile(device: str) -> bool:
    return bool(VOLATILE.match(device)) or device.startswith(BY_UUID) or multipath(device)


def _uuid(system: System, entry: Entry) -> str:
    """The UUID of an entry's file system, where it can be known for sure."""
    if entry.device.startswith(BY_UUID):
        return devices.decoded(entry.device[len(BY_UUID) :])
    if system.live is None:
        return ""
    node = devices.node(system.guest, entry.device)
    for mount in system.live.mounts:
        if mount.point == entry.mount_point and mount.device.startswith("/dev/"):
            mounted = devices.node(system.guest, mount.device)
            if node and mounted and mounted != node:
                return ""  # two file systems with one label, or fstab was edited since
    return devices.uuid(system.guest, entry.device) or ""


def _rewritten(system: System, text: str, lines: List[Line]) -> Iterator[Item]:
    """Every line that can be resolved names a UUID; raises Blocked for one that each boot waits for and cannot.

    Off the machine a label is left with a warning: it is in the file system itself and moves to Azure with it.
    """
    unknown = [line.entry for line in lines if not line.uuid]
    needed = [entry for entry in unknown if {"nofail", "noauto"}.isdisjoint(entry.options)]
    if system.live is None:
        needed = [entry for entry in needed if not entry.device.startswith(("LABEL=", "PARTLABEL="))]
    if needed:
        raise Blocked("; ".join(_unknown(entry) for entry in needed), "; ".join(_search(entry) for entry in needed))
    for entry in unknown:
        yield Fact("warning", _unknown(entry), _search(entry))
    known = [line for line in lines if line.uuid]
    for line in known:
        text = with_device(text, line.entry, "UUID=" + line.uuid)
    if known:
        names = ", ".join(line.entry.device for line in known)
        yield Write("/etc/fstab", text.encode("utf-8", "surrogateescape"), "%s: %s" % (names, WHY))


def _unknown(entry: Entry) -> str:
    return "/etc/fstab, line %d: the UUID of %s cannot be known here" % (entry.line, entry.device)


def _search(entry: Entry) -> str:
    tag = "" if entry.device.startswith("/dev/") else "-t "
    return "find it with `blkid %s%s` and write UUID=... in its place" % (tag, entry.device)


def _leftovers(entries: List[Entry]) -> Iterator[Item]:
    for entry in entries:
        if REMOVABLE.match(entry.device):
            waits = {"nofail", "noauto"}.isdisjoint(entry.options)
            yield Fact(
                "warning" if waits else "note",
                "/etc/fstab, line %d names a drive of the machine that this was: %s%s"
                % (entry.line, entry.device, ", for which each boot waits" if waits else ""),
                "take the line out, or add nofail to its options" if waits else "",
            )


# -- the kernel's root= ------------------------------------------------------------------------------------------
def _roots(system: System) -> Dict[str, str]:
    """The entries for which the root= that counts, the last one, may change; and that root=."""
    found = {}
    for name, arguments in system.boot.arguments().items():
        last = (cmdline.values(arguments, "root") or [None])[-1]
        if last and _volatile(last) and not last.startswith(BY_UUID):
            found[name] = "root=" + last
    return found


def _by_uuid(system: System, roots: Dict[str, str]) -> Iterator[Item]:
    """GRUB's generator is let write UUIDs, and every entry gets the file system that is / now."""
    guest = system.guest
    for path in [GRUB] + guest.glob("/etc/default/grub.d/*.cfg"):
        read = any(fnmatch.fnmatchcase(path, pattern) for pattern in system.boot.sources)
        before = guest.text(path) if read and guest.is_file(path) else None
        if before is None:
            continue
        text = before
        for one in reversed(_disabling(path, text)):
            text = text[: one.value_start] + "false" + text[one.end :]
        if text != before:
            yield Write(path, text.encode("utf-8", "surrogateescape"), "the kernel finds / by its UUID")
    if roots:
        first = min(roots)
        wanted = _root(system)
        if not wanted:
            raise Blocked(
                "%s has %s, and the UUID of / cannot be known here" % (first, roots[first]),
                "find it with `findmnt -no UUID /` and write root=UUID=... in its place",
            )
        yield from system.boot.set_arguments([wanted], sorted(set(roots.values())))


def _root(system: System) -> str:
    """The root= that fstab gives /, or that the live machine's / has; "" if unknown."""
    entries = parse(system.guest.text("/etc/fstab") or "")
    named = next((entry.device for entry in entries if entry.mount_point == "/"), "")
    if named.startswith(("UUID=", "PARTUUID=")):
        return "root=" + named
    mount = devices.mount_of(system.live, "/") if system.live else None
    found = devices.uuid(system.guest, mount.device) if mount else None
    return "root=UUID=" + found if found else ""


def _disabling(path: str, text: str) -> List[shellvars.Assignment]:
    try:
        found = shellvars.Script(text, path).assignments
    except Malformed as error:
        raise Malformed("%s, %s" % (path, error.message), error.hint) from None
    named = [one for one in found if one.name == "GRUB_DISABLE_LINUX_UUID"]
    return [one for one in named if "".join(part.value for part in one.parts) == "true"]


def _told(system: System) -> str:
    roots = sorted({"root=" + str(value) for arguments in system.boot.arguments().values()
                    for value in cmdline.values(arguments, "root")[-1:]})  # fmt: skip
    return "the kernel has %s" % ", ".join(roots) if roots else "no boot entry has a root="


STEP = Step(
    id="fstab",
    title="File systems and the kernel's root= are named by UUID",
    reason="Azure gives disks other names than the hypervisor that the machine comes from: /dev/vda1 is "
    "/dev/sda1 there, and sda and sdb may change places from boot to boot; by-id and by-path name the "
    "old controller. A line of fstab that names a device that is not there ends the boot in the "
    "emergency shell. Labels would work, but Microsoft's test of images takes only a UUID, PARTUUID "
    "or the present device.",
    source='Microsoft, "Prepare Linux for imaging in Azure" and the NVMe pages (fstab by UUID, findmnt '
    "--verify); LISA verify_os_partition_identifier; fstab(5)",
    remedy="Find each UUID with: blkid. Write UUID=... in the first field of /etc/fstab; check it: findmnt "
    "--verify\n"
    "Write root=UUID=... in place of root=/dev/... in the kernel's arguments; take GRUB_DISABLE_LINUX_UUID=true out of "
    "/etc/default/grub:\n" + ARGUMENTS,
    changes=changes,
)
