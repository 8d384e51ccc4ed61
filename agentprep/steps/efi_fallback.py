"""The EFI system partition boots on a machine whose firmware has no entry for it."""

import posixpath
from typing import Iterator, List, NamedTuple, Optional

from ..changes import Write
from ..errors import Blocked
from ..guest import Guest
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

LIMIT = 32 << 20  # bytes; GRUB's signed image has 4 MiB
SUFFIXES = {"x86_64": "x64", "aarch64": "aa64"}  # UEFI specification 2.10, table 3.2
TOPS = ("/boot/efi", "/efi", "/boot", "/boot/EFI")
STUB = 4096  # bytes; a grub.cfg that only leads to the real one has about 120
WHY = "the firmware of a new VM has no boot entry and looks for EFI/BOOT"


class Loaders(NamedTuple):
    """The loaders of one folder by their paths; "" for one that is not there."""

    folder: str
    shim: str
    grub: str
    stub: str


def changes(system: System, policy: Policy) -> Iterator[Item]:
    firmware, why = system.firmware
    if firmware != "uefi":
        yield Fact("ok", "not applicable: %s" % why)
        return
    guest = system.guest
    suffix = SUFFIXES.get(system.architecture, "x64")
    efi = next((path for top in TOPS for path in _named(guest, top, "efi") if guest.names(path)), None)
    if efi is None:
        raise Blocked("the EFI system partition is not mounted (%s)" % why, "mount it: mount /boot/efi")
    boot = next(iter(_named(guest, efi, "boot")), efi + "/BOOT")
    name = "BOOT%s.EFI" % suffix.upper()
    fallback = next(iter(_named(guest, boot, name)), "")
    if not fallback:
        vendor = _vendor(system, efi, suffix)
        fallback = boot + "/" + name
        yield _copy(guest, vendor.shim or vendor.grub, fallback)
    yield from _beside(system, efi, boot, fallback, suffix)
    held = [one for one in guest.names(boot) if one.lower().endswith((".efi", ".cfg"))]
    yield Fact("ok", "%s boots by itself: %s holds %s" % (fallback, boot, ", ".join(held)))


def _beside(system: System, efi: str, boot: str, fallback: str, suffix: str) -> Iterator[Item]:
    """Beside shim there is the GRUB that it starts, and the file that tells this GRUB where its configuration is."""
    guest = system.guest
    content = guest.read(fallback, LIMIT) or b""
    second = "grub%s.efi" % suffix
    if second.encode("utf-16-le") not in content:
        return  # no shim: a loader that finds its files by itself
    # shim looks for fbx64.efi first, which makes the firmware's entries anew from each folder's BOOTX64.CSV.
    if _named(guest, boot, "fb%s.efi" % suffix) and _csv(guest, efi, suffix):
        return
    if not _named(guest, boot, second):
        yield _copy(guest, _vendor(system, efi, suffix).grub, boot + "/" + second)
    grub = guest.read(next(iter(_named(guest, boot, second))), LIMIT) or b""
    twin = next((one for one in _folders(guest, efi, suffix) if one.grub and guest.read(one.grub, LIMIT) == grub), None)
    # Debian's and Ubuntu's GRUB looks in its vendor's folder, which stays; Red Hat's looks beside itself first.
    if twin and twin.stub and not _named(guest, boot, "grub.cfg"):
        yield _copy(guest, twin.stub, boot + "/grub.cfg")


def _vendor(system: System, efi: str, suffix: str) -> Loaders:
    """The folder of the distribution's loaders, told by what it holds; its name decides only between several."""
    folders = _folders(system.guest, efi, suffix)
    names = {system.distro.id, system.distro.row.family}
    if len(folders) > 1:
        folders = [one for one in folders if posixpath.basename(one.folder).lower() in names] or folders
    if len(folders) != 1:
        told = ", ".join(one.folder for one in folders)
        raise Blocked(
            "several folders hold boot loaders: %s" % told if folders else "%s holds no shim and no GRUB" % efi,
            "install the fallback loader by hand: grub-install --target=%s-efi --removable"
            % {"x64": "x86_64", "aa64": "arm64"}[suffix],
        )
    return folders[0]


def _folders(guest: Guest, efi: str, suffix: str) -> List[Loaders]:
    """The vendors' folders with a GRUB, and with shim where there is one."""
    found = []
    for name in guest.names(efi):
        folder = efi + "/" + name
        if name.lower() == "boot" or not guest.is_folder(folder):
            continue
        shim, grub, stub = (next(iter(_named(guest, folder, pattern % suffix if "%" in pattern else pattern)), "")
                            for pattern in ("shim%s.efi", "grub%s.efi", "grub.cfg"))  # fmt: skip
        text = guest.text(stub) or "" if stub else ""
        if grub:
            found.append(Loaders(folder, shim, grub, stub if len(text) < STUB and "configfile" in text else ""))
    return found


def _csv(guest: Guest, efi: str, suffix: str) -> Optional[str]:
    return next(iter(guest.glob("%s/*/BOOT%s.CSV" % (efi, suffix.upper()))), None)


def _named(guest: Guest, folder: str, name: str) -> List[str]:
    """The path of a name as it is really written there: FAT does not tell upper from lower case."""
    return [folder + "/" + one for one in guest.names(folder) if one.lower() == name.lower()]


def _copy(guest: Guest, source: str, path: str) -> Write:
    content = guest.read(source, LIMIT) or b""
    return Write(path, content, "%s; this is %s" % (WHY, source), secret=b"\0" in content)


STEP = Step(
    id="efi-fallback",
    title="The EFI system partition boots without the firmware's own entries",
    reason="A UEFI machine keeps the path of its boot loader in the firmware's memory, which does not travel "
    "with the disk. A new VM of generation 2 looks for EFI/BOOT/BOOTX64.EFI (BOOTAA64.EFI on arm64) "
    "and finds nothing bootable without it. Where that file is shim, it starts the GRUB beside it, so "
    "copying shim alone is not enough.",
    source='UEFI specification 2.10, section 3.5.1.1; Microsoft, "Prepare an Ubuntu virtual machine for '
    'Azure" (copy EFI/ubuntu to EFI/boot); shim, fallback.c and should_use_fallback()',
    remedy="grub-install --target=x86_64-efi --force-extra-removable (Debian, Ubuntu), or:\n"
    "mkdir -p /boot/efi/EFI/BOOT; cd /boot/efi/EFI/debian; cp shimx64.efi ../BOOT/BOOTX64.EFI; cp grubx64.efi "
    "grub.cfg ../BOOT/",
    changes=changes,
)
