"""Whether what is planned can be written at all, found out before anything is changed."""

import array
import errno
import fcntl
import os
from typing import Dict, Sequence, Tuple

from .changes import Beside, Change, Forget, Remove, Run, Write
from .errors import Blocked
from .guest import Guest
from .journal import FOLDER
from .policy import Policy

FS_IOC_GETFLAGS = 0x80086601  # include/uapi/linux/fs.h
IMMUTABLE, APPEND_ONLY = 0x10, 0x20
JOURNAL_FILES = 16  # what a run makes in its own folder beside the copies: journal, lock, reports


def check(guest: Guest, policy: Policy, changes: Sequence[Change]) -> None:
    """Every planned path can be written and every file system has room; raises Blocked with what is in the way."""
    needed: Dict[str, int] = {FOLDER: 1 << 20}
    passing: Dict[str, int] = {}
    files: Dict[str, int] = {FOLDER: JOURNAL_FILES}
    home = os.stat(_existing(guest, FOLDER)).st_dev
    for change in changes:
        if isinstance(change, Run):
            for folder, size, lasting in change.needs:
                linked = os.stat(_existing(guest, folder)).st_dev == home  # then the old stays, as a link
                needed[folder] = needed.get(folder, 0) + (size if linked and lasting else lasting)
                files[folder] = files.get(folder, 0) + len(change.commands)
                passing[folder] = max(passing.get(folder, 0), 0 if linked and lasting else size)
            continue
        path = guest.canonical(change.path, not isinstance(change, (Remove, Forget)))
        _writable(guest, path)
        size = len(change.content) if isinstance(change, Write) and not isinstance(change.content, Beside) else 4096
        folder = os.path.dirname(path)
        needed[folder] = needed.get(folder, 0) + size
        files[folder] = files.get(folder, 0) + 1
        needed[FOLDER] += _copy(guest, path, change)
        files[FOLDER] += 1
    for folder, size in passing.items():
        needed[folder] += size
    if changes:
        _room(guest, needed, policy.number("limits.reserve") << 20)
        _inodes(guest, files)


def _copy(guest: Guest, path: str, change: Change) -> int:
    found = guest.stat(path, follow=False)
    if found is None or isinstance(change, Forget) or (isinstance(change, Remove) and change.kept is not None):
        return 4096
    home = os.stat(_existing(guest, FOLDER))
    linked = isinstance(change, Write) and change.derived and home.st_dev == found.st_dev
    return 4096 if linked else found.st_size + 4096


def _room(guest: Guest, needed: Dict[str, int], reserve: int) -> None:
    sums: Dict[int, Tuple[str, int]] = {}
    for folder, size in needed.items():
        where = _existing(guest, folder)
        device = os.stat(where).st_dev
        first, total = sums.get(device, (where, 0))
        sums[device] = (first, total + size)
    for where, total in sums.values():
        found = os.statvfs(where)
        free = found.f_bavail * found.f_frsize if os.geteuid() else found.f_bfree * found.f_frsize
        if free < total + reserve:
            raise Blocked(
                "the file system of %s has %d MiB free, and %d MiB are needed"
                % (_inside(guest, where), free >> 20, (total + reserve) >> 20),
                "free some space there (old kernels, package caches, logs), then run agentprep again",
            )


def _inodes(guest: Guest, needed: Dict[str, int]) -> None:
    """A file system can be full of files while it has space; btrfs and vfat make as many as they like (0 in all)."""
    sums: Dict[int, Tuple[str, int]] = {}
    for folder, count in needed.items():
        where = _existing(guest, folder)
        device = os.stat(where).st_dev
        first, total = sums.get(device, (where, 0))
        sums[device] = (first, total + count)
    for where, total in sums.values():
        found = os.statvfs(where)
        if found.f_files and found.f_ffree < total:
            raise Blocked(
                "the file system of %s has %d free inodes, and %d are needed"
                % (_inside(guest, where), found.f_ffree, total),
                "remove files there that nobody needs (see which folder has most: du --inodes -xd2 %s | sort -n | tail)"
                % _inside(guest, where),
            )


def _writable(guest: Guest, path: str) -> None:
    where = guest.where(path, follow=False)
    parent = _existing(guest, os.path.dirname(path))
    if os.statvfs(parent).f_flag & os.ST_RDONLY:
        raise Blocked(
            "%s cannot be written: its file system is read-only" % path, "mount it read-write: mount -o remount,rw"
        )
    for one in (where, parent):
        flags = _flags(one)
        if flags & (IMMUTABLE | APPEND_ONLY):
            raise Blocked(
                "%s cannot be written: %s has the immutable or append-only attribute" % (path, _inside(guest, one)),
                "look with lsattr -d %s and lift it with: chattr -i -a %s" % (_inside(guest, one), _inside(guest, one)),
            )


def _flags(where: str) -> int:
    try:
        number = os.open(where, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return 0  # a link, or nothing there yet
    try:
        word = array.array("L", [0])
        fcntl.ioctl(number, FS_IOC_GETFLAGS, word, True)
        return int(word[0]) & 0xFFFFFFFF
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            return 0
        raise
    finally:
        os.close(number)


def _existing(guest: Guest, folder: str) -> str:
    where = guest.where(folder)
    while not os.path.isdir(where):
        where = os.path.dirname(where)
    return where


def _inside(guest: Guest, where: str) -> str:
    return where if guest.root == "/" else where[len(guest.root) :] or "/"
