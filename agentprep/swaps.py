"""The swap of the OS disk, wherever it is named: in use, in fstab, crypttab, a .swap unit.

What is not on the OS disk is told apart: zram, the swap of Azure's resource disk, a data disk's.
"""

import posixpath
import re
from typing import List, NamedTuple, Optional, Set, Tuple

from . import devices
from .formats import crypttab, fstab, sections
from .guest import Guest
from .live import Live, Swap

UNITS = ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")
# Links to the resource disk that Azure's udev rules make (cloud-init, WALinuxAgent, azure-vm-utils).
RESOURCE = ("/dev/disk/cloud/azure_resource", "/dev/disk/azure/resource")
# The type of a swap partition on a GPT disk (Discoverable Partitions Specification).
GPT_SWAP = "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"
SIGNATURES = (b"SWAPSPACE2", b"SWAP-SPACE")  # the last ten bytes of the first page (mkswap, include/linux/swap.h)
PAGES = (4096, 8192, 16384, 65536)


class Unit(NamedTuple):
    """A systemd .swap unit and what it swaps to."""

    path: str
    what: str


class Swaps(NamedTuple):
    """All that swaps to the OS disk, and a sentence about each swap that does not."""

    on: List[Swap]
    entries: List[fstab.Entry]
    units: List[Unit]
    mapped: List[crypttab.Entry]
    elsewhere: List[str]
    targets: List[str]  # files and devices, each once


def find(guest: Guest, live: Optional[Live], mount_point: str) -> Swaps:
    """The swaps of a guest whose resource disk is mounted at `mount_point`; without `live` none is known to be on."""
    found = _Found(guest, live, mount_point)
    table = fstab.parse(guest.text("/etc/fstab") or "")
    on = [swap for swap in (live.swaps if live else ()) if found.here(swap.path)]
    entries = [entry for entry in table if entry.kind == "swap" and found.here(entry.device)]
    units = [unit for unit in _units(guest) if found.here(unit.what)]
    mapped = []
    for one in crypttab.parse(guest.text("/etc/crypttab") or ""):
        name = "/dev/mapper/" + one.name
        if (name in found.targets or "swap" in one.options) and found.here(one.device):
            mapped.append(one)
    return Swaps(on, entries, units, mapped, found.elsewhere, found.targets)


class _Found:
    """Collects the targets, and what is elsewhere."""

    def __init__(self, guest: Guest, live: Optional[Live], mount_point: str) -> None:
        self.guest, self.live, self.mount_point = guest, live, mount_point
        self.disks: Set[str] = devices.os_disks(guest, live) if live else set()
        self.targets: List[str] = []
        self.elsewhere: List[str] = []

    def here(self, name: str) -> bool:
        """The swap is on the OS disk, as far as can be known; noted either way."""
        place = target(self.guest, self.live, name)
        why = self._elsewhere(name, place)
        told, into = (why, self.elsewhere) if why else (place, self.targets)
        if told not in into:
            into.append(told)
        return not why

    def _elsewhere(self, name: str, place: str) -> str:
        if re.match(r"/dev/zram\d", place):
            return "%s is compressed memory" % place
        if name.startswith(RESOURCE):
            return "%s is on Azure's resource disk" % name
        resource = any((place + "/").startswith(top + "/") for top in {self.mount_point, "/mnt/resource"})
        if self.live is None:
            absent = resource and not self.guest.exists(place)
            return "%s is on Azure's resource disk" % place if absent else ""
        device = place
        if not place.startswith("/dev/"):
            mount = devices.mount_of(self.live, place)
            device = mount.device if mount else ""
            if resource and mount and mount.point == "/" and not self.guest.exists(place):
                return "%s is on Azure's resource disk" % place
        under = devices.disks(self.guest, device)
        if under and self.disks and not under & self.disks:
            return "%s is on disk %s, which is not the OS disk" % (place, ", ".join(sorted(under)))
        return ""


def target(guest: Guest, live: Optional[Live], name: str) -> str:
    """The one name of what a swap's name leads to: a file without links, or a device; the name itself if unknown."""
    device = devices.node(guest, name) if live else None
    if device is not None:
        return device
    halves = devices.logical_volume(name)
    if halves:
        return "/dev/mapper/%s-%s" % tuple(half.replace("-", "--") for half in halves)
    return guest.canonical(name) if name.startswith("/") and not name.startswith("/dev/") else name


def volume(place: str) -> Optional[str]:
    """`vg/lv` of a /dev/mapper name, as rd.lvm.lv= names it, or None."""
    name = place[len("/dev/mapper/") :] if place.startswith("/dev/mapper/") else ""
    halves = re.split(r"(?<!-)-(?!-)", name)
    return "/".join(half.replace("--", "-") for half in halves) if len(halves) == 2 else None


def patterns(found: Swaps) -> Tuple[str, ...]:
    """The kernel arguments that serve nothing but swap, as formats.cmdline.matches takes them."""
    names = ["resume", "resume_offset"]
    volumes = [name for name in (volume(place) for place in found.targets) if name]
    names += [word + name for name in volumes for word in ("rd.lvm.lv=", "rd_LVM_LV=")]  # the second of dracut 004
    for entry in found.mapped:
        match = re.match(r"(?:UUID=|/dev/disk/by-uuid/)(.+)", entry.device)
        if match:
            luks = match.group(1).strip("\"'")
            names += [word + luks for word in ("rd.luks.uuid=", "rd.luks.uuid=luks-", "rd_LUKS_UUID=luks-")]
            names.append("rd.luks.name=%s=%s" % (luks, entry.name))
    return tuple(names)


def header(guest: Guest, path: str) -> Optional[int]:
    """Bytes of the header that makes a file a swap file; None when it is none."""
    stream = guest.open(path)
    if stream is None:
        return None
    with stream:
        head = stream.read(PAGES[-1])
    return next((page for page in PAGES if head[page - 10 : page] in SIGNATURES), None)


def discoverable(guest: Guest, disks: Set[str]) -> List[str]:
    """The partitions of these disks that systemd swaps to by their GPT type alone, when fstab has no swap."""
    found = []
    for kernel in guest.names("/sys/class/block"):
        folder = "/sys/class/block/" + kernel
        if guest.exists(folder + "/partition") and devices.disks(guest, "/dev/" + kernel) & disks:
            number = (guest.text(folder + "/dev") or "").strip()
            if "E:ID_PART_ENTRY_TYPE=" + GPT_SWAP in (guest.text("/run/udev/data/b" + number) or "").splitlines():
                found.append("/dev/" + kernel)
    return found


def _units(guest: Guest) -> List[Unit]:
    units = {}
    for folder in UNITS:
        for path in guest.glob(folder + "/*.swap"):
            name = posixpath.basename(path)
            if name not in units:  # what is in /etc hides what a package ships
                masked = guest.link(path) == "/dev/null"
                text = "" if masked else guest.text(path) or ""
                units[name] = Unit(path, sections.last(text, "Swap", "What") or "")
    return [unit for unit in units.values() if unit.what]
