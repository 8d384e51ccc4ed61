"""No swap on the OS disk: not in use, not at the next boot, and nothing waits for it."""

import posixpath
from typing import Iterator

from .. import swaps
from ..by_hand import ARGUMENTS
from ..changes import Link, Remove, Run, Write
from ..devices import os_disks, uuid
from ..errors import Blocked, Unknown
from ..formats import cmdline, crypttab, fstab
from ..guest import Guest
from ..policy import Policy
from ..step import Fact, Item, Rule, Step
from ..swaps import Swaps
from ..system import System

MARGIN = 64 << 20  # bytes of memory that stay free when what was swapped out has come back
MAKERS = ("dphys-swapfile", "swapspace")  # services that make swap files by themselves
GENERATOR = "systemd-gpt-auto-generator"
WHY = "Azure wants no swap on the OS disk"


def changes(system: System, policy: Policy) -> Iterator[Item]:
    guest = system.guest
    found = swaps.find(guest, system.live, policy.text("agent-conf.mount_point"))
    for sentence in found.elsewhere:
        yield Fact("note", "%s: it stays" % sentence)
    if not policy.flag("os-swap.remove"):
        yield _left(found)
        return
    _enough_memory(system, found)
    # fstab comes last: it is what tells a later run, should this one be cut, which arguments and devices were swap's.
    yield from system.boot.set_arguments([], swaps.patterns(found))
    yield from _resume(system, found)
    yield from _off(found)
    yield from _files(system, found)
    yield from _units(system, found)
    yield from _tables(guest, found)
    yield from _told(system, found)


def _left(found: Swaps) -> Fact:
    names = ", ".join(found.targets)
    if not names:
        return Fact("ok", "no swap on the OS disk was found")
    remedy = "set in /etc/agentprep.conf: [os-swap] remove = yes"
    return Fact("warning", "swap on the OS disk stays, by policy: %s" % names, remedy)


def _enough_memory(system: System, found: Swaps) -> None:
    used = sum(swap.used for swap in found.on)
    if used and system.live and system.live.available < used + MARGIN:
        raise Blocked(
            "%d MiB are swapped out, and only %d MiB of memory are available to take them back"
            % (used >> 20, system.live.available >> 20),
            "stop what needs it (ps aux --sort=-rss | head) or give this machine more, then run agentprep again",
        )


# -- what waits for swap -----------------------------------------------------------------------------------------
def derived(system: System, policy: Policy, cause: str) -> Iterator[Item]:
    """No boot entry waits for swap, even where only the loader's generated configuration does."""
    backend = system.boot
    unwanted = swaps.patterns(swaps.find(system.guest, system.live, policy.text("agent-conf.mount_point")))
    if not policy.flag("os-swap.remove") or backend.foreseen:
        return
    if any(cmdline.without(arguments, unwanted) != arguments for arguments in backend.arguments().values()):
        yield from backend.generate([], unwanted)


def _resume(system: System, found: Swaps) -> Iterator[Item]:
    try:
        initrd = system.initrd
    except Blocked:
        return  # initrd-hyperv tells why no initrd can be built here
    yield from initrd.no_resume(bool(found.targets))


# -- swap itself ---------------------------------------------------------------------------------------------
def _off(found: Swaps) -> Iterator[Item]:
    for swap in found.on:
        hint = "see what uses it: cat /proc/swaps; free"
        yield Run((("swapoff", swap.path),), (), "%s is in use, %d MiB of it" % (swap.path, swap.used >> 20), hint=hint)


def _files(system: System, found: Swaps) -> Iterator[Item]:
    guest = system.guest
    on = [guest.canonical(swap.path) for swap in found.on]
    for path in found.targets:
        if not path.startswith("/") or path.startswith("/dev/") or not guest.is_file(path):
            continue
        try:
            size = swaps.header(guest, path)
        except Unknown:
            if path not in on:
                raise
            size = swaps.PAGES[0]  # only root may look, but the kernel swaps to it
        if size is None:
            yield Fact("warning", "%s is named as swap but is no swap file: it stays" % path, "see: file %s" % path)
        else:
            yield Remove(path, "%s: a swap file" % WHY, kept=size)


def _units(system: System, found: Swaps) -> Iterator[Item]:
    guest = system.guest
    for unit in found.units:
        name = posixpath.basename(unit.path)
        for kind in ("wants", "requires"):
            for link in guest.glob("/etc/systemd/system/*.%s/%s" % (kind, name)):
                yield Remove(link, "%s swaps to %s" % (name, unit.what))
        if unit.path.startswith("/etc/"):
            yield Remove(unit.path, "it swaps to %s" % unit.what)
        else:
            yield Link("/etc/systemd/system/" + name, "/dev/null", "%s swaps to %s" % (unit.path, unit.what))
    for name in MAKERS:
        if guest.which(name) and system.init.enabled(name):
            yield from system.init.disable(name)
    # With no swap in fstab systemd swaps to a GPT disk's swap partition by its type (systemd issue 6192).
    mask = "/etc/systemd/system-generators/" + GENERATOR
    there = any(guest.exists("%s/systemd/system-generators/%s" % (top, GENERATOR)) for top in ("/lib", "/usr/lib"))
    partitions = swaps.discoverable(guest, os_disks(guest, system.live)) if system.live and there else []
    if partitions and not guest.exists(mask):
        yield Link(mask, "/dev/null", "systemd would swap to %s because of its GPT type" % ", ".join(partitions))


def _tables(guest: Guest, found: Swaps) -> Iterator[Item]:
    if found.mapped:
        text = crypttab.without(guest.text("/etc/crypttab") or "", found.mapped)
        names = ", ".join(entry.name for entry in found.mapped)
        yield Write("/etc/crypttab", text.encode("utf-8", "surrogateescape"), "%s is only for swap" % names)
    if found.entries:
        text = fstab.without(guest.text("/etc/fstab") or "", found.entries)
        yield Write("/etc/fstab", text.encode("utf-8", "surrogateescape"), WHY)


def _told(system: System, found: Swaps) -> Iterator[Item]:
    guest = system.guest
    mapped = ["/dev/mapper/" + entry.name for entry in found.mapped]
    for place in found.targets:
        if place in mapped or not place.startswith(("/dev/", "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=")):
            continue
        name = swaps.volume(place)
        kind = "logical volume %s" % name if name else "partition %s" % place
        number = uuid(guest, place) if system.live else None
        kind += " (UUID=%s)" % number if number else ""
        yield Fact("note", "%s is no longer used; it may be deleted" % kind)
    if found.on:
        yield Fact("note", "after a rollback swap is in use again from the next boot on, or after: swapon -a")
    on = "none is in use, " if system.live else "what is in use was not looked at (not a live system), "
    yield Fact("ok", "no swap on the OS disk: %snone in fstab, crypttab or a .swap unit; no resume=" % on)


STEP = Step(
    id="os-swap",
    title="No swap is on the OS disk, and nothing waits for it at boot",
    reason="A VM's OS disk is remote storage with limited speed, so swap belongs on the local resource disk, "
    "where the agent or cloud-init makes it; the Marketplace refuses images with swap on the OS disk "
    "(policy 200.3.3). Removing it by halves hurts: a resume= or RESUME= that names a swap that is "
    "gone costs 30 seconds at each boot with initramfs-tools and waits for ever with systemd 256; a "
    "forgotten rd.lvm.lv= ends in the emergency shell.",
    source='Microsoft, "Prepare Linux for imaging in Azure" (no swap partition on the OS disk); LISA '
    "verify_no_swap_on_osdisk; systemd issue 35180; Launchpad bug 1768230; initramfs-tools 0.142, "
    "hooks/resume",
    remedy="swapoff -a\n"
    "Take the lines of type swap out of /etc/fstab, and those with the option swap out of /etc/crypttab.\n"
    "systemctl mask each .swap unit of /etc/systemd/system; rm the swap file.\n"
    "Take resume=, resume_offset= and the swap's rd.lvm.lv= or rd.luks.uuid= out of the kernel's arguments:\n"
    + ARGUMENTS
    + "\n"
    "With initramfs-tools: echo RESUME=none > /etc/initramfs-tools/conf.d/resume; update-initramfs -u -k all\n"
    "With dracut: build each initrd anew, since a host-only one holds the resume= of the swap in fstab: "
    "dracut --force IMAGE VERSION\n"
    "On SLES 11: mkinitrd",
    changes=changes,
)

RULE = Rule(id="os-swap", sources=(), changes=derived)
