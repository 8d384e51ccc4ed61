"""Which machine the guest's disk is made for: its processor, and the firmware that boots it."""

import fnmatch
import posixpath
from typing import List, Tuple

from .errors import Blocked
from .formats import fstab
from .guest import Guest

# e_machine of elf.h, and the UTS names.
MACHINES = {0x3E: "x86_64", 0xB7: "aarch64", 0x03: "i386", 0x28: "arm", 0x15: "ppc64", 0x16: "s390x", 0xF3: "riscv"}
PROGRAMS = ("/bin/sh", "/sbin/init", "/bin/bash", "/usr/bin/dpkg", "/usr/bin/rpm", "/usr/lib/systemd/systemd",
            "/lib/systemd/systemd", "/usr/bin/env")  # fmt: skip
# Where the EFI system partition is mounted: the installers' place, systemd's, and systemd-boot's on /boot itself.
ESP = ("/boot/efi", "/efi", "/boot", "/boot/EFI")
# What boots a machine; firmware updaters (fwupd, fwupdate) put programs of other names beside them.
LOADERS = ("boot*.efi", "shim*.efi", "grub*.efi", "systemd-boot*.efi", "elilo*.efi")
BIOS = ("/boot/grub/i386-pc/core.img", "/boot/grub2/i386-pc/core.img", "/boot/grub/stage2")


def architecture(guest: Guest) -> str:
    """x86_64 or aarch64, or what else the guest's own programs are built for."""
    for path in PROGRAMS:
        stream = guest.open(path) if guest.is_file(path) else None
        if stream is None:
            continue
        with stream:
            head = stream.read(20)
        if head[:4] == b"\x7fELF" and len(head) == 20:
            order = "big" if head[5] == 2 else "little"
            machine = MACHINES.get(int.from_bytes(head[18:20], order), "unknown")  # type: ignore[arg-type]
            return machine if head[4] == 2 else {"x86_64": "x32"}.get(machine, machine)
    raise Blocked("no program was found in %s from which the architecture can be read" % guest.root)


def firmware(guest: Guest, live: bool = False) -> Tuple[str, str]:
    """`uefi` or `bios`, and the evidence: how the disk is made to boot, not how this machine was booted.

    A disk that is made for both counts as uefi, since that is what needs more.  Loaders without a partition of their
    own are no evidence where GRUB's core image for BIOS is there: packages bring them to such machines too.
    """
    found, point = loaders(guest), esp(guest)
    image = next((path for path in BIOS if guest.is_file(path)), "")
    both = "; BIOS boots it as well (%s)" % image if image else ""
    if found and (point or not image):
        return "uefi", "%s is on the EFI system partition%s" % (found[0], both)
    if point:
        return "uefi", "/etc/fstab mounts an EFI system partition at %s%s" % (point, both)
    if image:
        return "bios", "GRUB's %s image is in /boot" % ("i386-pc core" if "i386-pc" in image else "stage2")
    if live and guest.is_folder("/sys/firmware/efi"):
        return "uefi", "the machine was booted by UEFI (/sys/firmware/efi)"
    return "bios", "no EFI system partition is mounted or in /etc/fstab"


def esp(guest: Guest) -> str:
    """Where /etc/fstab mounts the EFI system partition, or ""."""
    for entry in fstab.parse(guest.text("/etc/fstab") or ""):
        if entry.mount_point in ESP and (entry.mount_point != "/boot" or entry.kind == "vfat"):
            return entry.mount_point
    return ""


def loaders(guest: Guest) -> List[str]:
    """The boot loaders in the folders of the EFI system partition, wherever that is mounted."""
    found = []
    for top in ESP:
        for path in guest.glob(top + "/[Ee][Ff][Ii]/*/*"):
            name = posixpath.basename(path).lower()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in LOADERS):
                found.append(path)
    return found
