"""The initrd of every installed kernel holds the modules with which Azure's disk is found."""

import posixpath
import re
from typing import Iterator, List, Sequence, Tuple

from .. import modules
from ..changes import Beside, Write, beside
from ..errors import Blocked, CommandFailed, Malformed, Unknown
from ..formats import crypttab
from ..formats.initrd import Contents
from ..formats.modules import Resolution, normalised
from ..initrd import BACKENDS
from ..initrd.image import Order, inside, lacking
from ..kernels import Kernel
from ..live import Live
from ..policy import Policy
from ..step import Fact, Item, Rule, Step
from ..system import System

ONE_BUILD = 512 << 20  # bytes of memory that one build may take beside another


def changes(system: System, policy: Policy) -> Iterator[Item]:
    wanted = _wanted(system, policy)
    names = [name for name in policy.words("initrd-hyperv.modules") if _somewhere(normalised(name), wanted)]
    yield from system.initrd.rule(names)
    missing = {name: kernel.version for kernel, told in wanted for name in told.missing}
    for name, version in missing.items():
        yield Fact("note", "kernel %s has no module %s (see kernel-hyperv)" % (version, name))


def derive(system: System, policy: Policy, cause: str) -> Iterator[Item]:
    wanted = _wanted(system, policy)
    without = _without_initrd(system)
    due: List[Tuple[Kernel, Resolution, str]] = []
    for kernel, told in wanted:
        if kernel.version in without:
            yield from _no_initrd(kernel, told)
            continue
        reason = cause or _stale(system, kernel, told)
        if reason:
            due.append((kernel, told, reason))
    width = _side_by_side(system, policy, due)
    for start in range(0, len(due), width):
        yield from _rebuilt(system, due[start : start + width])
    yield from _others(system, wanted)
    yield Fact("ok", _evidence(system, [(kernel, told) for kernel, told in wanted if kernel.version not in without]))


def _rebuilt(system: System, due: Sequence[Tuple[Kernel, Resolution, str]]) -> Iterator[Item]:
    guest, initrd = system.guest, system.initrd
    orders = [Order(kernel, list(told.modules), _growth(system, kernel, told)) for kernel, told, _ in due]
    yield initrd.build(orders, due[0][2])
    for kernel, told, _ in due:
        made = beside(initrd.image(kernel)).path
        if not guest.guessed(made):
            _prove(system, kernel, told, made)
    for kernel, _, reason in due:
        image = initrd.image(kernel)
        yield Write(image, Beside(beside(image).path), reason, derived=True)
        yield from initrd.installed(kernel)


def _prove(system: System, kernel: Kernel, told: Resolution, made: str) -> None:
    hint = "the old initrd is still in place; build it by hand to see why, or free space in /boot and /var/tmp"
    try:
        lost = lacking(system.guest, kernel, made, told, system.read)
    except Malformed as error:
        raise CommandFailed("the new initrd of %s is no good: %s" % (kernel.version, error.message), hint) from None
    if lost:
        raise CommandFailed("the new initrd of %s still lacks %s" % (kernel.version, ", ".join(lost)), hint)
    shut = _shut(system, kernel, made)
    if shut:
        what = "the new initrd of %s would not open %s, as the present one does" % (kernel.version, ", ".join(shut))
        raise CommandFailed(
            what, "run agentprep on the machine itself, where its tool sees the encrypted disks; " + hint
        )


def _shut(system: System, kernel: Kernel, made: str) -> List[str]:
    """The encrypted devices that the present image opens and the new one does not.

    cryptsetup's hook of initramfs-tools and host-only dracut put into it what they find to be open, which in a chroot
    need not be what the guest has.
    """
    guest = system.guest
    try:
        old, new = inside(guest, system.initrd.image(kernel), system.read), inside(guest, made, system.read)
        arguments = [word for words in system.boot.arguments().values() for word in words]
    except (Blocked, Malformed, Unknown):
        return []  # there is nothing to compare with
    arguments += [word for text in new.texts("etc/cmdline.d").values() for word in text.split()]
    wanted = {entry.name for entry in crypttab.parse(guest.text("/etc/crypttab") or "")}
    opened = {entry.name for entry in _opened(new)}
    told = []
    for entry in _opened(old):
        name = re.sub(r"^(UUID=|/dev/disk/by-uuid/)", "", entry.device).strip("\"'")
        given = any(word.startswith("rd.luks") and name in word for word in arguments)
        if entry.name in wanted and entry.name not in opened and not given:
            told.append(entry.name)
    return told


def _opened(held: Contents) -> List[crypttab.Entry]:
    """Debian's list, and the copy of /etc/crypttab that dracut makes."""
    names = ("cryptroot/crypttab", "etc/crypttab", "usr/etc/crypttab")
    texts = [held.files[name].decode("utf-8", "surrogateescape") for name in names if name in held.files]
    return [entry for text in texts for entry in crypttab.parse(text)]


def _stale(system: System, kernel: Kernel, told: Resolution) -> str:
    image = system.initrd.image(kernel)
    try:
        lost = lacking(system.guest, kernel, image, told, system.read)
    except Malformed as error:
        return error.message
    if lost:
        return "%s lacks %s" % (image, ", ".join(lost))
    why: str = system.initrd.stale(inside(system.guest, image, system.read), image)
    return why


def _evidence(system: System, wanted: Sequence[Tuple[Kernel, Resolution]]) -> str:
    words = []
    for kernel, told in wanted:
        image = system.initrd.image(kernel)
        if system.guest.guessed(image):
            words.append("%s is built anew" % image)
            continue
        held = inside(system.guest, image, system.read).modules_of(kernel.version)
        count = sum(name in held for name in told.modules)
        builtin = "; built in: %s" % ", ".join(sorted(told.builtin)) if told.builtin else ""
        words.append("%s holds %d of %d modules%s" % (image, count, len(told.modules), builtin))
    return "; ".join(words) or "no kernel is booted with an initrd"


def _others(system: System, wanted: Sequence[Tuple[Kernel, Resolution]]) -> Iterator[Item]:
    """A second image, that another boot entry of the same kernel loads, is no copy of the first: a person decides."""
    guest = system.guest
    try:
        loaded = system.boot.initrds()
    except (Blocked, Unknown):
        return  # kernel-cmdline says what is wrong with the boot loader
    for kernel, told in wanted:
        own = guest.canonical(system.initrd.image(kernel))
        for path in loaded.get(kernel.version, ()):
            if guest.canonical(path) == own or not guest.is_file(path):
                continue
            try:
                lost = inside(guest, path, system.read).modules and lacking(guest, kernel, path, told, system.read)
            except (Malformed, Unknown):
                continue  # nothing that a kernel could boot with
            if lost:  # microcode, which stands beside an initrd, has no module at all
                yield Fact(
                    "failed",
                    "a boot entry of kernel %s loads %s, which lacks %s" % (kernel.version, path, ", ".join(lost)),
                    "build that image too, let the entry load %s, or remove the entry" % own,
                )


def _no_initrd(kernel: Kernel, told: Resolution) -> Iterator[Item]:
    if told.modules:
        yield Fact(
            "failed",
            "kernel %s is booted without an initrd, and %s are modules" % (kernel.version, ", ".join(told.modules)),
            "build an initrd for it and name it in the boot entry",
        )
    else:
        yield Fact("ok", "kernel %s is booted without an initrd and has all of it built in" % kernel.version)


def _without_initrd(system: System) -> List[str]:
    try:
        entries = list(system.boot.without_initrd())
    except (Blocked, Unknown):
        return []
    return [
        kernel.version
        for kernel in system.kernels
        if system.guest.stat(system.initrd.image(kernel)) is None and any(kernel.version in name for name in entries)
    ]


def _wanted(system: System, policy: Policy) -> List[Tuple[Kernel, Resolution]]:
    names = policy.words("initrd-hyperv.modules")
    return [(kernel, modules.resolved(system.guest, kernel, names)) for kernel in system.kernels]


def _somewhere(name: str, wanted: Sequence[Tuple[Kernel, Resolution]]) -> bool:
    return any(name in told.modules for _, told in wanted)


def _growth(system: System, kernel: Kernel, told: Resolution) -> int:
    sizes = [system.guest.stat("%s/%s" % (kernel.modules, path)) for path in told.needed]
    return (1 << 20) + sum(found.st_size for found in sizes if found is not None)


def _side_by_side(system: System, policy: Policy, due: Sequence[Tuple[Kernel, Resolution, str]]) -> int:
    """How many images are built at the same time: as processors, memory and the room beside the images allow."""
    sizes = sorted(
        (system.initrd.size(kernel) + _growth(system, kernel, told) for kernel, told, _ in due), reverse=True
    )
    folders = {posixpath.dirname(system.initrd.image(kernel)) for kernel, _, _ in due}
    room = min(map(system.guest.free, folders), default=0) - (policy.number("limits.reserve") << 20)
    fitting = next((width for width in range(len(sizes), 1, -1) if sum(sizes[:width]) <= room), 1)
    return min(fitting, _processors(system, policy))


def _processors(system: System, policy: Policy) -> int:
    wished = policy.number("initrd-hyperv.builds")
    if wished:
        return wished
    live = system.live or Live()
    return max(1, min(live.processors, int(live.available // ONE_BUILD), 4))


STEP = Step(
    id="initrd-hyperv",
    title="The initrd of every installed kernel holds the Hyper-V modules",
    reason="The kernel finds its root disk with what is in its initrd. One that was built on another hypervisor often "
    "holds that machine's drivers only (MODULES=dep, host-only dracut), and the VM then waits for a disk that never "
    "comes. It must hold for every installed kernel, since the one that boots next need not be the running one, and "
    "for kernels that are installed later.",
    source='Microsoft, "Prepare Linux for imaging in Azure" (hv_vmbus, hv_storvsc, hv_netvsc in the initramfs); LISA '
    "HvModule.verify_initrd_modules; initramfs-tools(7); dracut.conf(5); dracut-ng issue 1732",
    remedy="With initramfs-tools: put hv_vmbus, hv_storvsc, hv_netvsc, hid_hyperv, hyperv_keyboard and sd_mod, a line "
    "each, into /etc/initramfs-tools/modules.\nBuild every initrd: update-initramfs -u -k all\n"
    "Look inside: lsinitramfs /boot/initrd.img-VERSION | grep -E 'hv_|hyperv|sd_mod'\n"
    "With dracut: put the same names, as far as every installed kernel has them as modules, into the last file of "
    "/etc/dracut.conf.d:\n"
    'add_drivers=" hv_vmbus hv_storvsc hv_netvsc hid_hyperv hyperv_keyboard sd_mod $add_drivers "\n'
    "Build the initrd of each kernel: dracut --force IMAGE VERSION\n"
    "Look inside: lsinitrd IMAGE | grep -E 'hv_|hyperv|sd_mod'; dracut returns 0 though modules are missing\n"
    "On SLES 11: put the names into INITRD_MODULES in /etc/sysconfig/kernel, then run: mkinitrd",
    changes=changes,
)

RULE = Rule(
    id="initrd-hyperv",
    sources=tuple(dict.fromkeys(source for backend in BACKENDS for source in backend.sources)),
    changes=derive,
)
