"""Block devices as the guest's own /dev and /sys tell: which device a name leads to, and which disks it lies on.

Only a live guest can be asked: in a tree or a chroot /dev is empty, or another machine's.
"""

import os
import posixpath
import re
from typing import List, Optional, Set, Tuple

from .guest import Guest
from .live import Live, Mount

# Tags of fstab(5) and the folders in which udev keeps the links that answer them (libmount reads the same links).
TAGS = {"UUID": "by-uuid", "LABEL": "by-label", "PARTUUID": "by-partuuid", "PARTLABEL": "by-partlabel", "ID": "by-id"}
# Folders of /dev that are no volume group.
_FOLDERS = ("block", "bus", "cciss", "char", "disk", "dri", "ida", "mapper", "md", "mqueue", "net", "pts", "shm")
_PLAIN = re.compile(r"[A-Za-z0-9#+.:=@_-]")


def node(guest: Guest, name: str) -> Optional[str]:
    """The device that a name of fstab(5) leads to now (`/dev/vda1`, `/dev/mapper/vg-root`), or None."""
    tag, equals, value = name.partition("=")
    if equals and tag in TAGS:
        name = "/dev/disk/%s/%s" % (TAGS[tag], encoded(value.strip("\"'")))
    if not name.startswith("/dev/") or not guest.exists(name):
        return None
    device = guest.canonical(name)
    mapped = guest.text("/sys/class/block/%s/dm/name" % posixpath.basename(device))
    return device if mapped is None else "/dev/mapper/" + mapped.strip()


def uuid(guest: Guest, name: str) -> Optional[str]:
    """The UUID of what is on the device that a name leads to, by udev's own links."""
    device = node(guest, name)
    for link in guest.names("/dev/disk/by-uuid") if device else []:
        if node(guest, "/dev/disk/by-uuid/" + link) == device:
            return decoded(link)
    return None


def layers(guest: Guest, name: str) -> List[str]:
    """The kernel's names of a device and of all that it lies on, down to the disks; empty if unknown."""
    device = node(guest, name)
    return [] if device is None else _layers(guest, posixpath.basename(guest.canonical(device)))


def _layers(guest: Guest, kernel: str) -> List[str]:
    folder = "/sys/class/block/" + kernel
    if not guest.exists(folder):
        return []
    below = guest.names(folder + "/slaves")
    if guest.exists(folder + "/partition"):
        below = [posixpath.basename(posixpath.dirname(guest.canonical(folder)))]
    return [kernel] + [name for one in below for name in _layers(guest, one)]


def disks(guest: Guest, name: str) -> Set[str]:
    """The whole disks (`vda`) that a device lies on, through LVM, RAID and encryption; empty if unknown."""
    return {kernel for kernel in layers(guest, name) if _whole(guest, kernel)}


def _whole(guest: Guest, kernel: str) -> bool:
    folder = "/sys/class/block/" + kernel
    return not guest.exists(folder + "/partition") and not guest.names(folder + "/slaves")


def logical_volume(name: str) -> Optional[Tuple[str, str]]:
    """The volume group and volume of a name like /dev/vg/root, or None when it is a name of another kind."""
    match = re.match(r"/dev/([^/]+)/([^/]+)$", name)
    return (match.group(1), match.group(2)) if match and match.group(1) not in _FOLDERS else None


def mount_of(live: Live, path: str) -> Optional[Mount]:
    """The mount that a path is on; of several at one place the last, which hides the others."""
    over = [mount for mount in live.mounts if (path + "/").startswith(mount.point.rstrip("/") + "/")]
    deepest = max((len(mount.point) for mount in over), default=0)
    return next((mount for mount in reversed(over) if len(mount.point) == deepest), None)


def os_disks(guest: Guest, live: Live) -> Set[str]:
    """The whole disks that / lies on; empty if unknown."""
    mount = mount_of(live, "/")
    found = disks(guest, mount.device) if mount else set()
    if not found:  # /dev/root: a kernel without an initrd names it so, and there is no such node
        top = guest.stat("/")
        link = "/sys/dev/block/%d:%d" % (os.major(top.st_dev), os.minor(top.st_dev)) if top else ""
        names = _layers(guest, posixpath.basename(guest.canonical(link)))
        found = {kernel for kernel in names if _whole(guest, kernel)}
    return found


def encoded(value: str) -> str:
    """A label or UUID as udev names its link: a blank, for one, becomes `\\x20` (libblkid's blkid_encode_string)."""
    return "".join(char if _PLAIN.match(char) or ord(char) > 0x7F else "\\x%02x" % ord(char) for char in value)


def decoded(link: str) -> str:
    """What `encoded` was given."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match.group(1), 16)), link)
