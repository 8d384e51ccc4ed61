"""The OS disk has a size that Azure takes: whole MiB, within the limit of its generation."""

from typing import Iterator

from ..devices import os_disks
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

SECTOR = 512  # bytes; the unit of /sys/class/block/*/size whatever the disk's own sectors are (sysfs-block, kernel doc)
MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40
# By firmware: the generation of VM, the limit of its OS disk (bytes) and whether Azure refuses what is larger.
LIMITS = {"bios": ("generation 1", 2 * TIB, True), "uefi": ("generation 2", 4 * TIB, False)}
LIMIT_2017 = 1023 * GIB


def changes(system: System, policy: Policy) -> Iterator[Item]:
    if system.live is None:
        yield Fact("note", "the disk cannot be seen from here: the guest is not the running machine",
                   "qemu-img info IMAGE: the virtual size must be a whole number of MiB (1048576 bytes)")  # fmt: skip
        return
    disks = sorted(os_disks(system.guest, system.live))
    if len(disks) != 1:
        found = "it is not known which disk / is on" if not disks else "/ is on several disks: %s" % ", ".join(disks)
        yield Fact("skipped" if not disks else "failed", found, "see: lsblk; Azure boots from one OS disk")
        return
    text = system.guest.text("/sys/class/block/%s/size" % disks[0])
    if text is None:
        yield Fact("skipped", "/sys/class/block/%s/size is not there" % disks[0], "see: lsblk --bytes")
        return
    yield from _judged(disks[0], int(text) * SECTOR, *system.firmware)


def _judged(disk: str, size: int, firmware: str, why: str) -> Iterator[Fact]:
    generation, limit, refused = LIMITS[firmware]
    fits = True
    if size > limit:
        fits = False
        yield Fact(
            "failed" if refused else "warning",
            "%s has %d bytes, and an OS disk of %s (%s) %d TiB" % (disk, size, generation, why, limit // TIB),
            "shrink the file systems and the disk, or move data to a data disk",
        )
    elif size > LIMIT_2017:
        yield Fact("note", "%s is larger than the 1023 GiB of 2017's document; Azure now takes it" % disk)
    if size % MIB:
        whole = -(-size // MIB) * MIB
        fits = False
        yield Fact(
            "person",
            "%s has %d bytes, which is no whole number of MiB: Azure refuses such a disk" % (disk, size),
            "after the shutdown grow the disk image to %d bytes (%d MiB), for a raw image with: "
            "qemu-img resize -f raw IMAGE %d" % (whole, whole // MIB, whole),
        )
    if fits:
        yield Fact("ok", "%s has %d MiB, whole, and within the limit of %s" % (disk, size // MIB, generation))


STEP = Step(
    id="disk-size",
    title="The OS disk is a whole number of MiB and not too large",
    reason="Azure takes only disks whose virtual size is a whole number of MiB (1048576 bytes); the upload "
    "works, and the creation of the VM then fails. An OS disk of generation 1 (BIOS) may have 2 TiB; "
    "for generation 2 (UEFI) up to 4 TiB are recommended. The size is changed outside, when the image "
    "is converted, and only ever upwards.",
    source='Microsoft, "Prepare Linux for imaging in Azure" (Resize VHDs) and "Support for generation 2 VMs"',
    remedy="blockdev --getsize64 /dev/sda: divide by 1048576.\n"
    "Outside, with the machine off: qemu-img resize -f raw IMAGE BYTES, BYTES being the next multiple; for a "
    "GPT disk then move the backup header with: sgdisk -e IMAGE",
    changes=changes,
)
