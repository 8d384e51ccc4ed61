"""Facts of the live machine: memory, swap in use, mounts, network cards, who holds a lock.

They are had only where the guest is the machine that agentprep runs on: not with ``--root``, and not in a chroot, where
/proc tells of the installer or the build host.
"""

import os
from typing import List, NamedTuple, Optional

from .errors import Unknown


class Swap(NamedTuple):
    """A line of /proc/swaps: a device or file, its kind (partition or file), size and use in bytes."""

    path: str
    kind: str
    size: int
    used: int


class Mount(NamedTuple):
    device: str
    point: str
    kind: str
    options: str


class Live:
    """The running machine; tests put an object with the same attributes in its place."""

    @property
    def release(self) -> str:
        """The running kernel's version."""
        return os.uname().release

    @property
    def arguments(self) -> str:
        """The command line that the running kernel was started with."""
        return _proc("/proc/cmdline").strip()

    @property
    def swaps(self) -> List[Swap]:
        lines = _proc("/proc/swaps").splitlines()[1:]
        fields = [line.split() for line in lines]
        return [Swap(_plain(f[0]), f[1], int(f[2]) << 10, int(f[3]) << 10) for f in fields if len(f) >= 4]

    @property
    def available(self) -> int:
        """Bytes of memory that can be had without swapping."""
        import psutil

        return int(psutil.virtual_memory().available)

    @property
    def memory(self) -> int:
        """Bytes of memory in all."""
        import psutil

        return int(psutil.virtual_memory().total)

    @property
    def mounts(self) -> List[Mount]:
        lines = [line.split() for line in _proc("/proc/self/mounts").splitlines()]
        mounts = [Mount(_plain(f[0]), _plain(f[1]), f[2], f[3]) for f in lines if len(f) >= 4]
        if not any(mount.device in ("/dev/root", "rootfs") for mount in mounts):
            return mounts
        # It knows which device a kernel without an initrd means by that; loading it takes longer than a check's share.
        import psutil

        return [Mount(m.device, m.mountpoint, m.fstype, m.opts) for m in psutil.disk_partitions(all=True)]

    @property
    def cards(self) -> List[str]:
        """The names of the network cards, without the loopback."""
        import psutil

        return sorted(name for name in psutil.net_if_addrs() if name != "lo")

    @property
    def processors(self) -> int:
        return len(os.sched_getaffinity(0))

    def holder(self, path: str) -> Optional[str]:
        """`name (pid N)` of a process that has the file open, or None."""
        import psutil

        for process in psutil.process_iter():
            try:
                if any(os.path.realpath(one.path) == os.path.realpath(path) for one in process.open_files()):
                    return "%s (pid %d)" % (process.name(), process.pid)
            except (psutil.Error, OSError):
                continue
        return None


def here(root: str) -> Optional[Live]:
    """The live machine when the guest at `root` is it, else None."""
    if root != "/" or not os.path.exists("/proc/self/mounts") or in_chroot():
        return None
    return Live()


def in_chroot() -> bool:
    """This process's / is not that of init, as far as it may look (systemd-detect-virt --chroot does the same).

    Where init may not be looked at (some sandboxes), that of each parent is, and whether anything is mounted at /.
    """
    own = os.stat("/")
    pid = 1
    while pid and os.path.exists("/proc/%d" % pid):
        try:
            other = os.stat("/proc/%d/root/." % pid)
        except OSError:
            other = None
        if other is not None and ((other.st_dev, other.st_ino) != (own.st_dev, own.st_ino) or pid == 1):
            return (other.st_dev, other.st_ino) != (own.st_dev, own.st_ino)
        pid = os.getppid() if pid == 1 else _parent(pid)
    try:
        return not any(line.split()[4] == "/" for line in _proc("/proc/self/mountinfo").splitlines())
    except Unknown:
        return True


def _parent(pid: int) -> int:
    """The parent of a process that is not init; 0 when there is none to look at."""
    try:
        parent = int(_proc("/proc/%d/stat" % pid).rpartition(")")[2].split()[1])
    except (Unknown, ValueError, IndexError):
        return 0
    return parent if parent > 1 else 0


def _proc(path: str) -> str:
    try:
        with open(path, "r", errors="surrogateescape") as stream:
            return stream.read()
    except OSError as error:
        raise Unknown("%s cannot be read: %s" % (path, error.strerror)) from None


def _plain(text: str) -> str:
    return text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
