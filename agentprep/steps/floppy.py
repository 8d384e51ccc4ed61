"""The floppy driver is not loaded: a VM of generation 1 has a floppy controller that is dead."""

import re
from typing import Iterator, List

from .. import modules
from ..by_hand import INITRDS
from ..changes import Write
from ..formats import lines as lines_
from ..formats import modprobe
from ..guest import Guest
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

FILE = "/etc/modprobe.d/agentprep-floppy.conf"
# Lists of modules to load at boot: modules(5), modules-load.d(5); initramfs.conf(5).
LISTS = ("/etc/modules", "/etc/modules-load.d/*.conf", "/etc/initramfs-tools/modules")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    guest = system.guest
    yield from _unlisted(guest)
    have = [kernel.version for kernel in system.kernels
            if modules.resolved(guest, kernel, ["floppy"]).modules]  # fmt: skip
    builtin = [kernel.version for kernel in system.kernels
               if modules.resolved(guest, kernel, ["floppy"]).builtin]  # fmt: skip
    if builtin:
        yield Fact("warning", "the floppy driver is built into kernel %s" % ", ".join(builtin),
                   "add initcall_blacklist=floppy_module_init to [kernel-cmdline] add in the policy")  # fmt: skip
    if system.live is not None and guest.exists("/sys/module/floppy/initstate"):
        yield Fact("note", "the floppy driver is loaded now; it will not be after the next boot")
    if not have and system.kernels:
        yield Fact("ok", "no kernel has a floppy module")
        return
    if not modprobe.floppy(_joined(guest)):
        yield from _bad_install(guest)
        if not modprobe.floppy(_joined(guest)):
            yield Write(FILE, b"blacklist floppy\n", "Azure's floppy controller is dead")
    where = [path for path in modules.files(guest) if modprobe.floppy(guest.text(path) or "")]
    yield Fact("ok", "floppy is disabled in %s" % (", ".join(where) or "modprobe.d"))


def _joined(guest: Guest) -> str:
    texts = [guest.text(path) or "" for path in modules.files(guest)]
    return "".join("".join(lines_.ended(lines_.split(text), "\n")) for text in texts)


def _bad_install(guest: Guest) -> Iterator[Item]:
    """`install floppy /bin/false` disables floppy too, but not for Microsoft's test; a blacklist takes its place."""
    found = [lock for lock in modules.locks(guest, ["floppy"]) if lock.disabled.how == "install"]
    yield from modules.lifted(guest, found, "Microsoft's test does not take this: %s" % modules.told(found))


def _unlisted(guest: Guest) -> Iterator[Item]:
    for path in [path for pattern in LISTS for path in guest.glob(pattern)]:
        if not guest.is_file(path):
            continue
        text = guest.text(path) or ""
        found: List[str] = []
        for line in lines_.split(text):
            loads = re.match(r"\s*floppy(\s|$)", line)
            found.append(modprobe.LIFTED + line if loads else line)
        if "".join(found) != text:
            yield Write(path, "".join(found).encode("utf-8", "surrogateescape"), "it loads the floppy driver at boot")


STEP = Step(
    id="floppy",
    title="The floppy driver is not loaded",
    reason="A VM of generation 1 has a floppy controller without a drive. The driver waits for it for many "
    "seconds at each boot and fills the log with I/O errors, and programs that look at all disks hang "
    "on /dev/fd0.",
    source="LISA Floppy.verify_floppy_module_is_blacklisted; modprobe.d(5)",
    remedy="echo 'blacklist floppy' > /etc/modprobe.d/agentprep-floppy.conf, then make the initrds anew.\n"
    "Take floppy out of /etc/modules and /etc/modules-load.d.\n" + INITRDS,
    changes=changes,
)
