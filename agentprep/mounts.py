"""What is mounted inside the guest: where a removal would reach another file system than the guest's own.

The kernel is asked about this process's mounts, since a guest at ``--root`` may have folders of this machine mounted in
it, and those must never be taken for the guest's.
"""

from typing import List, NamedTuple

from .formats import fstab
from .guest import Guest

TABLE = "/proc/self/mounts"
# File systems whose device is no path below /dev and that are on the machine's own disks all the same.
OWN_KINDS = ("zfs", "bcachefs", "btrfs", "overlay")


class Mount(NamedTuple):
    """A place in the guest where something is mounted; `foreign` when it is not on a disk that can be written."""

    point: str
    kind: str
    foreign: bool


def inside(guest: Guest) -> List[Mount]:
    """The mounts below the guest's root, by the guest's own paths; empty where there is no /proc."""
    return parsed(Guest("/").text(TABLE) or "", guest.root)


def parsed(table: str, root: str) -> List[Mount]:
    """The mounts of a table as in proc(5) that are below `root`."""
    prefix = root.rstrip("/") + "/"
    found = []
    for entry in fstab.parse(table):
        if entry.mount_point.startswith(prefix) and entry.mount_point != prefix:
            own = entry.device.startswith("/dev/") or entry.kind in OWN_KINDS
            point = entry.mount_point[len(prefix) - 1 :]
            found.append(Mount(point, entry.kind, not own or "ro" in entry.options))
    return found


def below(mounts: List[Mount], path: str) -> List[Mount]:
    """The mounts at the path or below it."""
    return [mount for mount in mounts if (mount.point + "/").startswith(path.rstrip("/") + "/")]


def over(mounts: List[Mount], path: str) -> List[Mount]:
    """The mounts that the path is on, without the root itself; the last one counts."""
    return [mount for mount in mounts if (path + "/").startswith(mount.point.rstrip("/") + "/")]
