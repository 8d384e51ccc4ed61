"""Whether the guest enforces SELinux's policy, and which of its files have no label.

A label is the extended attribute security.selinux.  A kernel with SELinux gives every new file one (of its folder's
type, as a rule); a kernel without it, or another system's, gives none, and at the next boot such a file counts as
unlabeled_t, which confined programs may not read.
"""

import errno
import os
from typing import Iterable, List

from .errors import Unknown
from .formats import ifcfg
from .guest import Guest

CONFIG = "/etc/selinux/config"
ACTIVE = "/sys/fs/selinux/enforce"  # there while the running kernel enforces or logs
OLD_ACTIVE = "/selinux/enforce"  # release 6
ATTRIBUTE = "security.selinux"
RELABEL = "/.autorelabel"
# FAT knows no attributes: all files there have the one label of their mount.
NO_LABELS = ("/boot/efi/", "/efi/", "/boot/EFI/", "/proc/", "/sys/", "/dev/", "/run/")


def mode(guest: Guest) -> str:
    """`enforcing` or `permissive` as the next boot will be, or "" where SELinux is off or there is no policy."""
    told = ifcfg.values(guest.text(CONFIG) or "", CONFIG)
    wanted = told.get("SELINUX", "").strip().lower()
    folder = "/etc/selinux/%s/policy" % told.get("SELINUXTYPE", "targeted").strip()
    return wanted if wanted in ("enforcing", "permissive") and guest.names(folder) else ""


def active(guest: Guest) -> bool:
    """The running kernel has SELinux; to be asked of a live guest only."""
    return guest.exists(ACTIVE) or guest.exists(OLD_ACTIVE)


def labelled(guest: Guest, path: str) -> bool:
    """The file (or the link itself) has a label; one that is only imagined has none.

    Raises Unknown where the file system keeps no such attribute.
    """
    try:
        return bool(os.getxattr(guest.where(path, follow=False), ATTRIBUTE, follow_symlinks=False))
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            raise Unknown("labels of SELinux cannot be read on the file system of %s" % path) from None
        if error.errno in (errno.ENODATA, errno.ENOENT, errno.ENOTDIR):
            return False
        raise Unknown("the label of %s cannot be read: %s" % (path, error.strerror), "run agentprep as root") from None


def unlabelled(guest: Guest, paths: Iterable[str]) -> List[str]:
    """Those of the paths that are there, can have a label, and have none."""
    found = []
    for path in paths:
        if guest.exists(path) and not path.startswith(NO_LABELS) and not labelled(guest, path):
            found.append(path)
    return found
