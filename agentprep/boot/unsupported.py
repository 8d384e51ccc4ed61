"""What boots the guest, where that is something whose entries agentprep cannot change.

recognised(guest)     a message and a hint, or None; to be asked only when no backend has evidence, since a file that
                      was left over from another loader is found here too
"""

import posixpath
import re
from typing import Iterator, Optional, Tuple

from ..formats import fstab
from ..guest import Guest
from ..kernels import PARTITIONS
from . import esp

SYSLINUX = (
    "/boot/extlinux/extlinux.conf", "/boot/syslinux/extlinux.conf", "/boot/syslinux/syslinux.cfg",
    "/boot/extlinux.conf", "/boot/syslinux.cfg", "/extlinux/extlinux.conf", "/syslinux/syslinux.cfg",
    "/extlinux.conf", "/syslinux.cfg",
)  # fmt: skip
LEGACY = ("/boot/grub/menu.lst", "/boot/grub/grub.conf")
HINT = "install GRUB 2 with the distribution's packages and make it what boots the guest, then run agentprep again"

Told = Tuple[str, str]


def recognised(guest: Guest) -> Optional[Told]:
    kinds = (_unmounted, _systemd_boot, _unified, _refind, _limine, _syslinux, _lilo, _pygrub, _zipl)
    return next((told for told in (kind(guest) for kind in kinds) if told), None)


def _refused(name: str, path: str) -> Told:
    return "%s is what boots this guest (%s), and agentprep cannot change its entries" % (name, path), HINT


def _unmounted(guest: Guest) -> Optional[Told]:
    for line in fstab.parse(guest.text("/etc/fstab") or ""):
        if line.mount_point in ("/boot", "/boot/efi", "/efi") and not guest.names(line.mount_point):
            message = "%s is empty: the partition that /etc/fstab mounts there is not mounted" % line.mount_point
            return message, "mount it: mount %s" % line.mount_point
    return None


def _systemd_boot(guest: Guest) -> Optional[Told]:
    path = next((path for path, kind in esp.loaders(guest).items() if kind == "systemd-boot"), None)
    if path is None or esp.unified(guest):
        return None
    return (
        "%s is systemd-boot, and no loader/entries/*.conf beside it names a kernel that is there" % path,
        "make the entries: kernel-install add VERSION /boot/vmlinuz-VERSION; sdbootutil add-all-kernels on SUSE",
    )


def _unified(guest: Guest) -> Optional[Told]:
    images = esp.unified(guest)
    if not images:
        return None
    return (
        "%s is a unified image and boots this guest; its command line and initrd are inside it" % images[0].path,
        "build the image anew with Azure's arguments and modules inside, or install systemd-boot or GRUB 2",
    )


def _refind(guest: Guest) -> Optional[Told]:
    found = _on_partitions(guest, "EFI/refind/refind.conf", "EFI/BOOT/refind.conf")
    path = next((path for path in found if _has(guest, path, r"(refind_|boot)\w+\.efi$")), None)
    return _refused("rEFInd", path) if path else None


def _limine(guest: Guest) -> Optional[Told]:
    names = [
        posixpath.join(folder, name)
        for folder in ("", "boot", "limine", "boot/limine", "EFI/limine", "EFI/BOOT")
        for name in ("limine.conf", "limine.cfg")
    ]
    found = next(_on_partitions(guest, *names), None)
    return _refused("Limine", found) if found else None


def _syslinux(guest: Guest) -> Optional[Told]:
    """With ldlinux.sys the boot sector starts it; without, U-Boot reads the same file, and Azure has no U-Boot."""
    more = _on_partitions(guest, "EFI/syslinux/syslinux.cfg", "EFI/BOOT/syslinux.cfg")
    for path in [path for path in SYSLINUX if guest.is_file(path)] + list(more):
        if not _names_a_kernel(guest, path, r"^\s*(?:linux|kernel)\s+(\S+)"):
            continue
        loader = _has(guest, path, r"(ldlinux\.(sys|c32|e64)|syslinux\.efi)$")
        loader = loader or any(guest.exists(folder + "/ldlinux.sys") for folder in ("", "/boot"))
        if loader:
            return _refused("extlinux (syslinux)", path)
        return (
            "U-Boot is what boots this guest (%s is there, and no loader that reads it)" % path,
            "Azure's machines have UEFI firmware and no U-Boot: " + HINT,
        )
    return None


def _lilo(guest: Guest) -> Optional[Told]:
    path = "/etc/lilo.conf"
    used = guest.exists("/boot/map") and _names_a_kernel(guest, path, r"^\s*image\s*=\s*\"?([^\s\"]+)")
    return _refused("LILO", path) if used else None


def _pygrub(guest: Guest) -> Optional[Told]:
    """A menu without a GRUB: a Xen host reads it and starts the kernel itself, which no firmware does."""
    for path in LEGACY:
        stages = guest.glob("/boot/grub/*stage*") + guest.glob("/boot/grub/*/core.img")
        if not stages and _names_a_kernel(guest, path, r"^\s*kernel\s+(?:\(\S*\))?(\S+)"):
            return (
                "%s is a menu for pygrub or PV-GRUB of a Xen host, and the guest has no boot loader of its own" % path,
                "install GRUB 2 and put it on the disk: grub-install, update-grub; the disk needs a partition table",
            )
    return None


def _zipl(guest: Guest) -> Optional[Told]:
    used = guest.is_file("/etc/zipl.conf") and guest.which("zipl")
    return _refused("zipl", "/etc/zipl.conf") if used else None


def _names_a_kernel(guest: Guest, path: str, pattern: str) -> bool:
    """The file has a line that names a kernel which is there, from the root, from /boot, or from its own folder."""
    if not guest.is_file(path):
        return False
    folders = ("/", "/boot", posixpath.dirname(path), posixpath.dirname(posixpath.dirname(path)))
    names = re.findall(pattern, guest.text(path) or "", re.M | re.I)
    return any(guest.is_file(posixpath.join(folder, name.lstrip("/"))) for name in names for folder in folders)


def _has(guest: Guest, path: str, pattern: str) -> bool:
    """Beside the file there is one whose name matches."""
    return any(re.match(pattern, name, re.I) for name in guest.names(posixpath.dirname(path)))


def _on_partitions(guest: Guest, *names: str) -> Iterator[str]:
    for root in PARTITIONS:
        for name in names:
            if guest.is_file(posixpath.join(root, name)):
                yield posixpath.join(root, name)
