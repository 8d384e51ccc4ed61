"""A namespace of mounts and host name for work on a mounted guest, so that nothing of it outlives this process.

waagent's deprovision sets the host name: without a UTS namespace of its own that would be the name of this machine.
"""

import ctypes
import os
import shutil
from typing import Optional

from .errors import Blocked
from .guest import Guest

CLONE_NEWNS, CLONE_NEWUTS = 0x00020000, 0x04000000  # include/uapi/linux/sched.h
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000  # include/uapi/linux/mount.h


def enter(guest: Guest, uefi: bool) -> None:
    """The commands of the guest find /proc, /sys, /dev and an empty /run, seen by this process and its children only.

    They see firmware of the guest's kind (`uefi`), whatever this machine has: the 10_linux of RHEL 7 writes linuxefi
    where /sys/firmware/efi exists and linux16 elsewhere, and neither loads a kernel on the other.
    The kernel takes the mounts away when the last of these ends, even by SIGKILL.  Raises Blocked where that is not
    allowed (a container without CAP_SYS_ADMIN).
    """
    if guest.root == "/":
        if not os.path.exists("/proc/self/mounts"):
            raise Blocked(
                "/proc is not mounted here, and neither grub-mkconfig nor an initrd tool works without it",
                "from outside of this chroot: agentprep run --root DIR, which mounts what is needed; or mount /proc, "
                "/sys and /dev into it first",
            )
        return
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(CLONE_NEWNS | CLONE_NEWUTS), "a mount namespace cannot be made")
    _mount(libc, None, "/", None, MS_REC | MS_PRIVATE)
    for name in ("proc", "sys", "dev"):
        _mount(libc, "/" + name, _folder(guest, "/" + name), None, MS_BIND | MS_REC)
    if os.path.isdir("/sys/firmware/efi") != uefi and os.path.isdir("/sys/firmware"):
        _mount(libc, "tmpfs", _folder(guest, "/sys/firmware"), "tmpfs", 0)
        if uefi:
            os.mkdir(guest.where("/sys/firmware/efi"))
    _mount(libc, "tmpfs", _folder(guest, "/run"), "tmpfs", 0)
    _name_servers(guest)
    if os.path.isdir("/run/udev"):  # grub-probe and lsblk ask udev's database about disks
        os.makedirs(guest.where("/run/udev"), exist_ok=True)
        _mount(libc, "/run/udev", guest.where("/run/udev"), None, MS_BIND)


def _name_servers(guest: Guest) -> None:
    """Repositories can be found where the guest's resolv.conf leads into /run, which nobody fills here."""
    path = guest.canonical("/etc/resolv.conf")
    if path.startswith("/run/") and os.path.isfile("/etc/resolv.conf"):
        where = guest.where(path)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        shutil.copyfile("/etc/resolv.conf", where)


def _folder(guest: Guest, path: str) -> str:
    where = guest.where(path)
    if not os.path.isdir(where):
        raise Blocked("%s has no folder %s" % (guest.root, path), "is a whole Linux system mounted there?")
    return where


def _mount(libc: ctypes.CDLL, source: Optional[str], target: str, kind: Optional[str], flags: int) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    _check(libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), None), "%s cannot be mounted" % target)


def _check(code: int, words: str) -> None:
    if code:
        number = ctypes.get_errno()
        raise Blocked(
            "%s: %s" % (words, os.strerror(number)), "run as root, outside a container or in a privileged one"
        )
