"""The kernel command line: of every boot entry, and of every kernel that is installed later."""

import re
from typing import Any, Dict, Iterator, List, NamedTuple

from ..boot import BACKENDS
from ..by_hand import ARGUMENTS
from ..errors import Blocked
from ..formats import cmdline
from ..policy import Policy
from ..step import Fact, Item, Rule, Step
from ..system import System

# GRUB puts it before the arguments (grub-core/loader/i386/linux.c); the kernel counts it.
IMAGE = "BOOT_IMAGE=/boot/%s"
SLEEPERS = ("/usr/share/initramfs-tools/init", "/usr/share/initramfs-tools/scripts/init-top/udev")
KDUMP = ("kdump-config", "kdumpctl")  # of kdump-tools (Debian, Ubuntu) and of kexec-tools (RHEL, SUSE)


class Wanted(NamedTuple):
    """What a guest's kernels are to be given, what not, and where that differs from the policy."""

    add: List[str]
    remove: List[str]
    notes: List[Fact]


def wanted(system: System, policy: Policy) -> Wanted:
    """The policy's arguments as they suit the guest's architecture, without those that are to be kept."""
    keep = policy.words("kernel-cmdline.keep")
    remove = [word for word in policy.words("kernel-cmdline.remove") if not _named(word, keep)]
    add, notes = policy.words("kernel-cmdline.add"), []
    if system.architecture == "aarch64":
        serial = [word for word in add if re.match(r"console=ttyS\d", word)]
        early = [word for word in add if cmdline.key(word) == "earlyprintk"]
        add = [re.sub(r"^console=ttyS\d+", "console=ttyAMA0", word) for word in add if word not in early]
        if serial:
            notes.append(Fact("note", "%s is console=ttyAMA0 here: Azure's serial port on arm64" % " ".join(serial)))
        if early:
            notes.append(Fact("note", "%s is left out: only x86 kernels know it" % " ".join(early)))
    longest = policy.number("kernel-cmdline.longest_sleep")
    for word in [word for word in add if cmdline.key(word) == "rootdelay"]:
        sleeper = _sleeper(system, word)
        if sleeper and int(word.split("=")[1]) > longest:
            less = "rootdelay=%d" % longest
            add = [less if one == word else one for one in add if one != word or longest]
            notes.append(
                Fact(
                    "note", "%s would be slept through at every boot, ready or not (%s): %s"
                    % (word, sleeper, less if longest else "it is left out"),
                    "for the letter of the 2017 document set [kernel-cmdline] longest_sleep = 300",
                )
            )  # fmt: skip
    return Wanted(add, remove, notes)


def _sleeper(system: System, delay: str) -> str:
    """The script of the initrd that sleeps rootdelay= to its end without looking for the root disk, or "".

    /init of initramfs-tools does (0.142: `if [ "$ROOTDELAY" ]; then sleep "$ROOTDELAY"; fi`), udev's script did before.
    """
    if not re.match(r"rootdelay=\d+$", delay):
        return ""
    for path in SLEEPERS:
        if re.search(r"(?m)^\s*sleep\s+\"?\$\{?ROOTDELAY", system.guest.text(path) or ""):
            return path
    return ""


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """Every store from which boot entries are made gives them the policy's arguments."""
    add, remove, notes = wanted(system, policy)
    backend = system.boot
    before = backend.arguments()
    _fits(system, before, add, remove)
    wrong = _wrong(before, add, remove)
    if wrong:
        yield Fact("note", wrong)
    yield from notes
    yield from _costs(system, before, add)
    dump = [a for a in _all(before) if cmdline.key(a) == "crashkernel" and any(cmdline.matches(a, r) for r in remove)]
    tool = next((tool for tool in map(system.guest.which, KDUMP) if tool), "")
    if dump and tool:
        yield Fact(
            "note", "without %s kdump (%s) cannot catch a crash of the kernel" % (dump[0], tool),
            "to keep it, set in /etc/agentprep.conf: [kernel-cmdline] keep = crashkernel",
        )  # fmt: skip
    yield from backend.set_arguments(add, remove)
    if system.live is not None:
        running = cmdline.split(system.live.arguments)
        if cmdline.merge(running, add, remove) != running:
            yield Fact("note", "the running kernel was started without that: it takes effect at the next boot")


def derived(system: System, policy: Policy, cause: str) -> Iterator[Item]:
    """The loader's generated configuration holds what its sources say, for every installed kernel."""
    add, remove, _ = wanted(system, policy)
    backend = system.boot
    given = _given(backend, add, remove)
    judged = (add, remove) if given else ([], [])
    if cause or backend.stale(*judged):
        yield from backend.generate(*judged)
    for note in backend.notes():
        yield Fact("note", note)
    names = " ".join(add) or "nothing unwanted"
    if backend.foreseen:
        if given:
            yield Fact("ok", "%s for future kernels; the entries are read back when they are generated" % names)
        return
    entries = [words for name, words in backend.arguments().items() if name not in ("future", "future (recovery)")]
    good = [arguments for arguments in entries if cmdline.merge(arguments, add, remove) == arguments]
    verdict = "ok" if given and len(good) == len(entries) and entries else "failed"
    future = "and" if given else "but not"
    yield Fact(verdict, "%s in %d of %d entries %s for future kernels" % (names, len(good), len(entries), future))


def _given(backend: Any, add: List[str], remove: List[str]) -> bool:
    """The sources say what the policy wants; they do not where the step was left out, blocked, or taken back."""
    try:
        return not any(backend.set_arguments(add, remove))
    except Blocked:
        return False  # which the step has told


def _wrong(before: Dict[str, List[str]], add: List[str], remove: List[str]) -> str:
    """What of the entries and future kernels is not as wanted, in words."""
    lacking = [word for word in add if any(word not in arguments for arguments in before.values())]
    unwanted = dict.fromkeys(a for a in _all(before) if any(cmdline.matches(a, one) for one in remove))
    count = sum(cmdline.merge(arguments, add, remove) != arguments for arguments in before.values())
    words = ["without " + " ".join(lacking)] if lacking else []
    words += ["with " + " ".join(unwanted)] if unwanted else []
    words = words or ["with arguments in the wrong order"]
    return "%d of %d entries and future kernels were found %s" % (count, len(before), ", ".join(words)) if count else ""


def _fits(system: System, before: Dict[str, List[str]], add: List[str], remove: List[str]) -> None:
    image = IMAGE % max(["vmlinuz-" + kernel.version for kernel in system.kernels], key=len, default="vmlinuz")
    for name, arguments in before.items():
        size = cmdline.size([image] + cmdline.merge(arguments, add, remove))
        if size > cmdline.LIMIT:
            raise Blocked(
                "the kernel command line of %s would be %d bytes, and a kernel takes %d" % (name, size, cmdline.LIMIT),
                "shorten it by hand, or add less: [kernel-cmdline] add in /etc/agentprep.conf",
            )


def _costs(system: System, before: Dict[str, List[str]], add: List[str]) -> Iterator[Fact]:
    """A warning where rootdelay= is slept through to its end, at every boot.

    Only the kernel itself (prepare_namespace() in init/do_mounts.c) and md's scripts sleep it without looking; an
    initrd waits until the root file system is there.
    """
    delay = next((word for word in add if cmdline.key(word) == "rootdelay"), "")
    bare = system.boot.without_initrd() if delay else []
    md = [a for a in _all(before) if re.match(r"root=/dev/md", a)] if delay else []
    if bare or md:
        cause = "%s has no initrd" % bare[0] if bare else "%s is RAID" % md[0]
        yield Fact(
            "warning",
            "%s is slept through at each boot: %s" % (delay, cause),
            "leave rootdelay out of [kernel-cmdline] add in /etc/agentprep.conf",
        )


def _named(word: str, keep: List[str]) -> bool:
    """The word is to be kept; keeping one value of a name keeps the bare name off the list too."""
    return any(cmdline.matches(word, one) or word == cmdline.key(one) for one in keep)


def _all(entries: Dict[str, List[str]]) -> List[str]:
    return [argument for arguments in entries.values() for argument in arguments]


STEP = Step(
    id="kernel-cmdline",
    title="Every boot entry, and every later kernel's, has Azure's kernel arguments",
    reason="Azure shows a virtual machine's console only as a serial port, so the kernel must write there from its "
    "first line (console=, earlyprintk=); without it a failed boot cannot be diagnosed. rootdelay= gives Azure's "
    "storage time to appear. rhgb and quiet hide the messages, crashkernel= takes memory from small machines, "
    "and libata.atapi_enabled=0 or reserve=0x1f0,0x8 hide the DVD with the provisioning data.",
    source="Microsoft, Prepare Linux for imaging in Azure ('General Linux system notes'); the LISA tests verify_grub "
    "and verify_serial_console; kernel documentation admin-guide/kernel-parameters and admin-guide/serial-console",
    remedy="Add console=ttyS0,115200n8 earlyprintk=ttyS0,115200 rootdelay=300 at the end of the kernel's arguments; "
    "take rhgb, quiet and crashkernel=... out of them (GRUB_CMDLINE_LINUX_DEFAULT has some too):\n"
    + ARGUMENTS
    + "\nLook at the result: grep vmlinuz /boot/grub/grub.cfg; grubby --info=ALL; after a boot: cat /proc/cmdline",
    changes=changes,
)

SOURCES = tuple(source for backend in BACKENDS for source in backend.sources)

RULE = Rule(id="kernel-cmdline", sources=SOURCES, changes=derived)
