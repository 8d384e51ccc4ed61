"""A tree made to mislead: nothing outside of it is read or written, and agentprep neither hangs nor eats memory.

Every file of a guest is replaced in turn by a link out of the tree (absolute or by ..), a link loop, a FIFO, a device,
a folder, a sparse file of 10 GB, binary garbage, and gets a neighbour whose name holds a newline.  Each check runs in a
child with limits on its address space and its time, while the kernel (inotify) tells of every look at what is outside.
"""

import ctypes
import os
import resource
import shutil
import signal
import stat
import struct
import sys
import traceback

import pytest

from agentprep import report
from agentprep.errors import AgentprepError
from tests.roots import debian12
from tests.roots.every import TREES
from tests.snapshots import snapshot
from tests.worlds import World

SECONDS, MEMORY = 20, 256 << 20  # for one check (of 0.1 s), and in bytes, beyond what the interpreter has already
SECRET = b"a secret of the host\n"
GARBAGE = bytes(range(256)) * 64


def absolute(path, outside):
    os.symlink(outside + "/secret", path)


def relative(path, outside):
    os.symlink("../" * 40 + outside.lstrip("/") + "/secret", path)


def loop(path, outside):
    os.symlink(os.path.basename(path), path)


def fifo(path, outside):
    os.mkfifo(path)


def device(path, outside):
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero: it never ends


def folder(path, outside):
    os.makedirs(path + "/inside")


def sparse(path, outside):
    with open(path, "wb") as stream:
        stream.truncate(10 << 30)


def garbage(path, outside):
    with open(path, "wb") as stream:
        stream.write(GARBAGE)


def newline(path, outside):
    """A neighbour that sorts last and that globs find as well."""
    base, dot, extension = path.rpartition(".")
    with open(path + "\nx" if "/" in extension or not dot else base + "\nx." + extension, "wb") as stream:
        stream.write(SECRET)


KINDS = [absolute, relative, loop, fifo, device, folder, sparse, garbage, newline]
if os.geteuid():
    print("no device nodes are tried: only root can make them")
    KINDS.remove(device)


class Watched:
    """The folder `outside` with the secret; `events()` are the looks at it since it was last asked."""

    def __init__(self, outside):
        os.makedirs(outside)
        with open(outside + "/secret", "wb") as stream:
            stream.write(SECRET)
        self.looks = Looks([outside, outside + "/secret"], 0xFFF)  # IN_ALL_EVENTS

    def events(self):
        return len(self.looks.at())


class Looks:
    """What the kernel tells of some paths, since it was last asked (inotify(7))."""

    def __init__(self, paths, mask):
        libc = ctypes.CDLL(None, use_errno=True)
        self.number = libc.inotify_init1(os.O_NONBLOCK)
        assert self.number >= 0
        self.paths = {libc.inotify_add_watch(self.number, os.fsencode(path), mask): path for path in paths}
        assert min(self.paths) > 0

    def at(self):
        try:
            told = os.read(self.number, 1 << 20)
        except BlockingIOError:
            return []
        found, size = [], struct.calcsize("iIII")
        while told:
            watch, _, _, length = struct.unpack("iIII", told[:size])
            found.append(self.paths[watch])
            told = told[size + length :]
        return found


def limited(do):
    """A child does it within the limits; returns what went wrong, or ""."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with open("/proc/self/statm") as stream:
                size = int(stream.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            os.write(writer, (do() or "").encode("utf-8", "replace")[:4000])
        finally:
            if sys.exc_info()[1] is not None:
                os.write(writer, traceback.format_exc().encode("utf-8", "replace")[-4000:])
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        told = stream.read().decode("utf-8", "replace")
    status = os.waitpid(child, 0)[1]
    return told or ("killed by signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "")


def checked(world):
    """A check of the tree ends by itself with a verdict that can be shown; returns what went wrong, or ""."""
    signal.alarm(SECONDS)
    try:
        told = world.check()
    except AgentprepError as error:
        assert error.message
        return ""
    shown = " ".join((report.document(told) + report.findings(told, report.Paint(False, 80), True)).split())
    if SECRET.decode().strip() in shown:
        return "the secret was shown"
    unsafe = [line for one in told.findings for line in one.evidence if "\n" in line]
    return (
        ""
        if not unsafe or " ".join(report.safe(unsafe[0]).split()) in shown
        else "a newline of a name was printed: %r" % unsafe[0]
    )


def replaced(root, path, kind, outside, do):
    """`do()` in a child while `path` is what `kind` makes of it; everything is put back."""
    where, kept = root + path, outside + "-kept"
    if kind is not newline:
        os.rename(where, kept)
    before = set(os.listdir(os.path.dirname(where)))
    kind(where, outside)
    try:
        return limited(do)
    finally:
        for name in set(os.listdir(os.path.dirname(where))) - before:
            made = os.path.join(os.path.dirname(where), name)
            shutil.rmtree(made) if os.path.isdir(made) and not os.path.islink(made) else os.unlink(made)
        if kind is not newline:
            os.rename(kept, where)


def interesting(root):
    """The files of the tree that could be looked into: all but modules, of which there are many alike."""
    found = [path for path in snapshot(root) if os.path.lexists(root + path) and not os.path.isdir(root + path)]
    return sorted(path for path in found if not path.endswith((".ko", "/.keep")))


def opened(world, paths):
    """Those of the paths that a check opens."""
    root = world.root
    looks = Looks([root + path for path in paths if os.path.isfile(root + path)], 0x20)  # IN_OPEN
    world.check()
    return {path[len(root) :] for path in looks.at()}


def led_astray(world, tries, outside, watched):
    """What went wrong with each (path, kind) of `tries`."""
    wrong = []
    for path, kind in tries:
        told = replaced(world.root, path, kind, outside, lambda: checked(world))
        looks = watched.events()
        if told or looks:
            wrong.append("%s as %s: %s; %d looks at what is outside" % (path, kind.__name__, told, looks))
    return wrong


@pytest.mark.parametrize("shift", range(3))
def test_no_file_of_the_tree_can_lead_a_check_astray(tmp_path, shift):
    outside = str(tmp_path / "outside")
    watched, root = Watched(outside), debian12.make(tmp_path / "guest")
    before, world, paths = snapshot(root, own=True), World(root), interesting(root)
    read = opened(world, paths)
    assert len(read) > 25
    tries = []
    for number, path in enumerate(paths):
        # What is not opened could still lead astray by what it is: one kind each will do.
        kinds = KINDS[(number + shift) % 3 :: 3] if path in read else KINDS[(number + shift) % 9 :: 9]
        tries += [(path, kind) for kind in kinds]
    wrong = led_astray(world, tries, outside, watched)
    assert not wrong, "\n".join(wrong)
    assert snapshot(root, own=True) == before


# Other ways to boot, to build an initrd and to start services than Debian 12's: BLS entries, grubenv, dracut and the
# ESP; GRUB Legacy, mkinitrd and SysV init; systemd-boot.
OTHERS = ("rhel-9.4-uefi", "sles-11", "tumbleweed-systemd-boot")


@pytest.mark.parametrize("name", OTHERS)
def test_no_file_of_another_guest_can_lead_a_check_astray(tmp_path, name):
    """More sparsely than above: two kinds of nine at most for what is opened, one for every third of the rest."""
    outside, tree = str(tmp_path / "outside"), next(one for one in TREES if one.name == name)
    watched, root = Watched(outside), tree.make(tmp_path / "guest")
    world = World(root, tree.settings, commands=tree.commands)
    # The database is read by rpm, here an imitation of it, and never by agentprep.
    paths = [path for path in interesting(root) if ".ko" not in path and "/rpm/" not in path]
    before = snapshot(root, own=True)
    read = opened(world, paths)
    assert len(read) > 20
    tries = []
    for number, path in enumerate(paths):
        kinds = KINDS[number % 5 :: 5] if path in read else KINDS[number % 9 :: 9] if number % 3 == 0 else []
        kinds = kinds + [sparse] if "/initr" in path and sparse not in kinds else kinds  # what is unpacked
        tries += [(path, kind) for kind in kinds]
    wrong = led_astray(world, tries, outside, watched)
    assert not wrong, "\n".join(wrong)
    assert snapshot(root, own=True) == before


FOLDERS = ("/etc", "/boot", "/boot/grub", "/etc/default", "/etc/initramfs-tools", "/etc/ssh", "/var/lib", "/var",
           "/lib", "/lib/modules", "/usr/lib", "/etc/systemd/system", "/home", "/root", "/var/log", "/tmp")  # fmt: skip


def absolute_folder(path, outside):
    os.symlink(outside, path)


def relative_folder(path, outside):
    os.symlink("../" * 40 + outside.lstrip("/"), path)


@pytest.mark.parametrize("kind", [absolute_folder, relative_folder, loop])
def test_no_folder_of_the_tree_can_lead_a_check_astray(tmp_path, kind):
    outside = str(tmp_path / "outside")
    watched, root = Watched(outside), debian12.make(tmp_path / "guest")
    paths = [path for path in FOLDERS if os.path.isdir(root + path) and not os.path.islink(root + path)]
    wrong = led_astray(World(root), [(path, kind) for path in paths], outside, watched)
    assert not wrong, "\n".join(wrong)


def ran(root):
    """A whole run, deprovisioning included, ends with a report or an error."""
    signal.alarm(6 * SECONDS)
    try:
        World(root).run()
    except AgentprepError as error:
        assert error.message
    return ""


# What this tree's imitations of the guest's tools read by themselves; the real ones are in a chroot.
READ_BY_TOOLS = ("/etc/default/grub", "/etc/initramfs-tools/modules", "/etc/initramfs-tools/conf.d/resume",
                 "/root/.bash_history", "/etc/ssh/ssh_host_ed25519_key")  # fmt: skip
WRITTEN = READ_BY_TOOLS + (
    "/boot/grub/grub.cfg", "/etc/fstab", "/etc/waagent.conf", "/etc/ssh/sshd_config",
    "/etc/machine-id", "/home/operator/.bash_history", "/swapfile", "/etc/shadow", "/etc/hostname",
)  # fmt: skip


@pytest.mark.parametrize("kind", [absolute, relative, sparse])
def test_a_run_on_it_writes_nothing_outside(tmp_path, kind):
    outside = str(tmp_path / "outside")
    wrong = []
    for number, path in enumerate(WRITTEN):
        root = debian12.make(tmp_path / ("guest%d" % number))
        watched = Watched(outside + str(number))
        if not os.path.lexists(root + path) or (path in READ_BY_TOOLS and kind is not sparse):
            continue
        os.unlink(root + path)
        kind(root + path, outside + str(number))
        told = limited(lambda root=root: ran(root))
        looks = watched.events()
        if told or looks:
            wrong.append("%s as %s: %s; %d looks at what is outside" % (path, kind.__name__, told, looks))
        shutil.rmtree(root)
    assert not wrong, "\n".join(wrong)


def test_a_state_folder_that_leads_outside_is_not_followed(tmp_path):
    outside = str(tmp_path / "outside")
    root, watched = debian12.make(tmp_path / "guest"), Watched(outside)
    os.symlink(outside, root + "/var/lib/agentprep")
    assert not limited(lambda: ran(root)) and not watched.events()
    assert os.listdir(outside) == ["secret"]


def test_the_watch_sees_a_look(tmp_path):
    """The instrument itself works: else the tests above could not fail."""
    outside = str(tmp_path / "outside")
    watched = Watched(outside)
    assert limited(lambda: os.listdir(outside)[0]) == "secret"
    assert watched.events()
    assert "MemoryError" in limited(lambda: str(len(b"x" * (2 * MEMORY))))
