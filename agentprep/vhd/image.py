"""A disk image as a file: what it is, read from its two ends; never more than that, whatever its size."""

import fcntl
import os
import stat
import struct
from types import TracebackType
from typing import Optional, Type

from ..errors import Blocked, Usage
from ..formats import diskimage, vhd

F_OFD_GETLK, F_OFD_SETLK = 36, 37  # include/uapi/asm-generic/fcntl.h
_FLOCK = struct.Struct("hhqqi4x")
QEMU_FIRST, QEMU_SPAN = 100, 200  # the bytes that QEMU locks, one for each right (block/file-posix.c)


class Image:
    """An image that is open; `writable` ones are locked against QEMU and against another agentprep meanwhile."""

    def __init__(self, path: str, writable: bool = False) -> None:
        self.path = path
        flags = os.O_RDWR if writable else os.O_RDONLY
        try:
            self.number = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise Usage("there is no file %s" % path, "give the path of a disk image") from None
        except IsADirectoryError:
            raise Usage("%s is a folder" % path, "give the path of a disk image") from None
        except OSError as error:
            raise Blocked("%s cannot be opened: %s" % (path, error.strerror), "see: ls -l %s" % path) from error
        try:
            self._look(writable)
        except BaseException:
            os.close(self.number)
            raise

    def _look(self, writable: bool) -> None:
        found = os.fstat(self.number)
        if stat.S_ISDIR(found.st_mode):
            raise Usage("%s is a folder" % self.path, "give the path of a disk image")
        self.device = stat.S_ISBLK(found.st_mode)
        if not stat.S_ISREG(found.st_mode) and not (self.device and not writable):
            kind = "a block device" if self.device else "no regular file"
            raise Usage("%s is %s" % (self.path, kind), "copy it to a file first: qemu-img convert -O raw %s FILE"
                        % self.path)  # fmt: skip
        if writable:
            self._lock()
        self.size = os.lseek(self.number, 0, os.SEEK_END)
        self.allocated = found.st_blocks * 512
        self.head = self.read(0, diskimage.HEAD)
        self.kind = diskimage.recognized(self.head, self.read(max(0, self.size - vhd.SIZE), vhd.SIZE))

    def _lock(self) -> None:
        whole = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, QEMU_FIRST, QEMU_SPAN, 0)
        try:
            fcntl.fcntl(self.number, F_OFD_SETLK, whole)
        except OSError as error:
            raise Blocked(
                "%s is in use: %s"
                % (self.path, "a running QEMU or qemu-img, or another agentprep, holds a lock on it"),
                "shut the virtual machine down, then try again",
            ) from error
        loop = _loop_of(os.fstat(self.number))
        if loop:
            raise Blocked("%s is in use: it is the file of /dev/%s" % (self.path, loop), "losetup -d /dev/%s" % loop)

    def read(self, offset: int, size: int) -> bytes:
        """The bytes there are from `offset`, at most `size`."""
        return os.pread(self.number, size, offset)

    @property
    def virtual_size(self) -> int:
        """Bytes of the disk that a fixed VHD or a raw image holds."""
        return self.size - len(self.kind.footer) if self.kind.name == "vhd" else self.size

    def close(self) -> None:
        os.close(self.number)

    def __enter__(self) -> "Image":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


def _loop_of(found: os.stat_result) -> str:
    """The loop device whose file this is, or ""."""
    try:
        names = sorted(os.listdir("/sys/block"))
    except OSError:
        return ""
    for name in names:
        try:
            with open("/sys/block/%s/loop/backing_file" % name) as stream:
                other = os.stat(stream.read().rstrip("\n"))
        except OSError:
            continue
        if (other.st_dev, other.st_ino) == (found.st_dev, found.st_ino):
            return name
    return ""
