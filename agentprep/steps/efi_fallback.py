"""The EFI system partition boots on a machine whose firmware has no entry for it."""

import posixpath
import re
from typing import Iterator, List, NamedTuple, Optional, Sequence

from .. import machine
from ..changes import Remove, Write
from ..errors import AgentprepError, Blocked
from ..formats import bootcsv
from ..guest import Guest
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

LIMIT = 32 << 20  # bytes; GRUB's signed image has 4 MiB
SUFFIXES = {"x86_64": "x64", "aarch64": "aa64"}  # UEFI specification 2.10, table 3.2
STUB = 4096  # bytes; a grub.cfg that only leads to the real one has about 120
WHY = "the firmware of a new VM has no boot entry and looks for EFI/BOOT"
# Names within a folder: the second are SUSE's (shim-install, sdbootutil), the third that of systemd-boot.
SHIMS, GRUBS = ("shim%s.efi", "shim.efi"), ("grub%s.efi", "grub.efi", "systemd-boot%s.efi")
MANAGERS, FALLBACKS = ("mm%s.efi", "MokManager.efi"), ("fb%s.efi", "fallback.efi")


class Loaders(NamedTuple):
    """The loaders of one folder by their paths; "" for one that is not there. `config` is GRUB's configuration."""

    folder: str
    shim: str
    grub: str
    manager: str
    config: str


def changes(system: System, policy: Policy) -> Iterator[Item]:
    firmware, why = system.firmware
    if firmware != "uefi":
        yield Fact("ok", "not applicable: %s" % why)
        return
    guest = system.guest
    suffix = SUFFIXES.get(system.architecture, "x64")
    efi = _mounted(system, why)
    if _loader(system) == "GRUB Legacy":  # its configuration is called as it is itself: BOOTX64.conf
        yield Fact("failed", "GRUB Legacy boots this machine by UEFI; Azure has no generation 2 for its like",
                   "convert the disk to boot by BIOS (generation 1), or install a newer release")  # fmt: skip
        return
    boot = next(iter(_named(guest, efi, "boot")), efi + "/BOOT")
    name = "BOOT%s.EFI" % suffix.upper()
    fallback = next(iter(_named(guest, boot, name)), "")
    if not fallback:
        vendor = _vendor(system, efi, suffix)
        fallback = boot + "/" + name
        yield _copy(guest, vendor.shim or vendor.grub, fallback)
        if not vendor.shim:
            yield from _configured(guest, vendor, boot, fallback)
    yield from _beside(system, efi, boot, fallback, suffix)
    held = [one for one in guest.names(boot) if one.lower().endswith((".efi", ".cfg"))]
    yield Fact("ok", "%s boots by itself: %s holds %s" % (fallback, boot, ", ".join(held)))


def _mounted(system: System, why: str) -> str:
    """The EFI folder of the partition; raises Blocked when the partition is not mounted."""
    guest, point = system.guest, machine.esp(system.guest)
    efi = next((path for top in machine.ESP for path in _named(guest, top, "efi") if guest.names(path)), None)
    points = [mount.point for mount in system.live.mounts] if system.live else []
    if efi is None or (point and points and point not in points):
        raise Blocked(
            "the EFI system partition is not mounted (%s)" % why, "mount it: mount %s" % (point or "/boot/efi")
        )
    return efi


def _beside(system: System, efi: str, boot: str, fallback: str, suffix: str) -> Iterator[Item]:
    """Beside shim there is the GRUB that it starts, and the file that tells this GRUB where its configuration is."""
    guest = system.guest
    content = guest.read(fallback, LIMIT) or b""
    second = next((name for name in _names(GRUBS[:2], suffix) if _holds(content, name)), "")
    if not second:
        return  # no shim: a loader that finds its files by itself
    # shim looks for this one first (should_use_fallback). It makes the firmware's entries anew of the vendors' CSV
    # files and starts the first, or has the machine start over; without any it does that again and again.
    other = next((path for name in _names(FALLBACKS, suffix) if _holds(content, name)
                  for path in _named(guest, boot, name)), "")  # fmt: skip
    if other and _listed(guest, efi, suffix):
        return
    if other:
        yield Remove(
            other, "shim would start it, and it finds no loader to start (no folder has a BOOT*.CSV of its own)"
        )
    if not _named(guest, boot, second):
        vendor = _vendor(system, efi, suffix)
        if not vendor.grub or not _holds(guest.read(vendor.shim or fallback, LIMIT) or b"", second):
            raise Blocked("%s starts %s, which is in no vendor's folder" % (fallback, second), _by_hand(suffix))
        yield _copy(guest, vendor.grub, boot + "/" + second)
        if vendor.manager and not _named(guest, boot, posixpath.basename(vendor.manager)):
            yield _copy(guest, vendor.manager, boot + "/" + posixpath.basename(vendor.manager))
    grub = guest.read(next(iter(_named(guest, boot, second))), LIMIT) or b""
    twin = next((one for one in _folders(guest, efi, suffix) if one.grub and guest.read(one.grub, LIMIT) == grub), None)
    if twin:
        yield from _configured(guest, twin, boot, twin.grub)


def _configured(guest: Guest, vendor: Loaders, boot: str, grub: str) -> Iterator[Item]:
    """Beside a vendor's GRUB there is a grub.cfg that leads to the real one.

    Debian's and Ubuntu's GRUB looks in its vendor's folder; SUSE's beside itself; Red Hat's beside itself and, from
    release 8 on, in its vendor's folder then ("Try $prefix if $fw_path doesn't work").  In release 7 the vendor's file
    is the real one: it is not copied, since every new kernel changes it.
    """
    if not vendor.config or _named(guest, boot, "grub.cfg"):
        return
    text = guest.text(vendor.config) or ""
    if len(text) < STUB and re.search(r"(?m)^\s*(configfile|source)\s", text):
        yield _copy(guest, vendor.config, boot + "/grub.cfg")
        return
    folder = "/EFI/" + posixpath.basename(vendor.folder)
    told = "set prefix=($root)%s\nconfigfile $prefix/grub.cfg\n" % folder
    yield Write(boot + "/grub.cfg", told.encode("utf-8", "surrogateescape"), "%s, and its GRUB for this" % WHY)


def _vendor(system: System, efi: str, suffix: str) -> Loaders:
    """The folder of the distribution's loaders, told by what it holds; its name decides only between several."""
    folders = _folders(system.guest, efi, suffix)
    row = system.distro.row
    own = ("systemd",) if _loader(system) == "systemd-boot" else ()
    for names in (own, row.esp_folders, (system.distro.id, row.family)):
        known = [name.lower() for name in names]
        if len(folders) > 1:
            folders = [one for one in folders if posixpath.basename(one.folder).lower() in known] or folders
    if len(folders) != 1:
        told = ", ".join(one.folder for one in folders)
        raise Blocked(
            "several folders hold boot loaders: %s" % told if folders else "%s holds no shim and no GRUB" % efi,
            _by_hand(suffix),
        )
    return folders[0]


def _loader(system: System) -> str:
    """The name of the boot loader, "" where it is not known."""
    try:
        return str(system.boot.name)
    except AgentprepError:  # kernel-cmdline tells what is wrong with it
        return ""


def _folders(guest: Guest, efi: str, suffix: str) -> List[Loaders]:
    """The vendors' folders with a GRUB or systemd-boot, and with shim where there is one."""
    found = []
    for name in guest.names(efi):
        folder = efi + "/" + name
        if name.lower() == "boot" or not guest.is_folder(folder):
            continue
        shim, grub, manager, config = (
            next((path for one in _names(names, suffix) for path in _named(guest, folder, one)), "")
            for names in (SHIMS, GRUBS, MANAGERS, ("grub.cfg",))
        )
        if shim:  # of several GRUBs the one that this shim starts
            content = guest.read(shim, LIMIT) or b""
            started = [path for one in _names(GRUBS[:2], suffix) if _holds(content, one)
                       for path in _named(guest, folder, one)]  # fmt: skip
            grub = next(iter(started), grub)
        if grub:
            found.append(Loaders(folder, shim, grub, manager, config))
    return found


def _listed(guest: Guest, efi: str, suffix: str) -> Optional[str]:
    """A CSV file that names a loader which is there beside it (BOOT.CSV where there is none with a suffix)."""
    for name in guest.names(efi):
        folder = efi + "/" + name
        found = _named(guest, folder, "boot%s.csv" % suffix) or _named(guest, folder, "boot.csv")
        for path in found[:1]:
            if any(_named(guest, folder, one) for one in bootcsv.loaders(guest.read(path) or b"")):
                return path
    return None


def _names(patterns: Sequence[str], suffix: str) -> List[str]:
    return [one % suffix if "%" in one else one for one in patterns]


def _holds(content: bytes, name: str) -> bool:
    """A loader names the one that it starts in UTF-16."""
    return name.encode("utf-16-le") in content


def _named(guest: Guest, folder: str, name: str) -> List[str]:
    """The path of a name as it is really written there: FAT does not tell upper from lower case."""
    return [folder + "/" + one for one in guest.names(folder) if one.lower() == name.lower()]


def _copy(guest: Guest, source: str, path: str) -> Write:
    content = guest.read(source, LIMIT) or b""
    return Write(path, content, "%s; this is %s" % (WHY, source), secret=b"\0" in content)


def _by_hand(suffix: str) -> str:
    return (
        "install the fallback loader by hand: grub-install --target=%s-efi --removable"
        % ({"x64": "x86_64", "aa64": "arm64"}[suffix])
    )


STEP = Step(
    id="efi-fallback",
    title="The EFI system partition boots without the firmware's own entries",
    reason="A UEFI machine keeps the path of its boot loader in the firmware's memory, which does not travel "
    "with the disk. A new VM of generation 2 looks for EFI/BOOT/BOOTX64.EFI (BOOTAA64.EFI on arm64) "
    "and finds nothing bootable without it. Where that file is shim, it starts the GRUB beside it, or its own "
    "fallback program, which needs a vendor's folder that is whole: copying shim alone is not enough. The GRUB "
    "there must find its configuration.",
    source='UEFI specification 2.10, section 3.5.1.1; Microsoft, "Prepare an Ubuntu virtual machine for '
    'Azure" (copy EFI/ubuntu to EFI/boot); shim, fallback.c and should_use_fallback(); Red Hat\'s GRUB 2, patch "Try '
    "$prefix if $fw_path doesn't work\"; openSUSE's sdbootutil, install_bootloader",
    remedy="grub-install --target=x86_64-efi --force-extra-removable (Debian, Ubuntu), or:\n"
    "mkdir -p /boot/efi/EFI/BOOT; cd /boot/efi/EFI/debian; cp shimx64.efi ../BOOT/BOOTX64.EFI; cp grubx64.efi "
    "mmx64.efi grub.cfg ../BOOT/\n"
    "Red Hat's kinds: dnf reinstall shim-x64; SUSE's: shim-install; systemd-boot: bootctl install",
    changes=changes,
)
