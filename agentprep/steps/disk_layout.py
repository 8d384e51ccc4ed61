"""The OS disk is laid out so that Azure can boot, rescue and grow it."""

from typing import Iterator, List, Tuple

from .. import devices
from ..changes import Remove, Write
from ..formats import fstab, lvmconf
from ..guest import Guest
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System
from .fstab import multipath

FIRST = 2048  # sectors of 512 bytes: 1 MiB
DEVICES_FILE = "/etc/lvm/devices/system.devices"
KEPT = "/etc/lvm/devices/system.devices.agentprep"
FILTERS = ("/etc/lvm/lvm.conf", "/etc/lvm/lvmlocal.conf")
AZURE = ("/dev/sda2", "/dev/nvme0n1p2")  # what the OS disk is called there, by its controller


def changes(system: System, policy: Policy) -> Iterator[Item]:
    guest = system.guest
    pinned = guest.read(DEVICES_FILE)
    if pinned is not None:
        yield Write(KEPT, pinned, "what LVM looked at on this machine; it reads no file of this name", mode=0o600)
        yield Remove(DEVICES_FILE, "it pins LVM to the ids of this machine's disks; without it LVM looks at all")
    kinds = _kinds(system)
    if "RAID" in kinds:
        yield Fact("failed", "/ is on software RAID", "move / to a plain partition: Azure's disks are redundant")
    if "LVM" in kinds:
        yield Fact("warning", "/ is on LVM", "Azure recommends plain partitions: a rescue VM of the same image has "
                   "volume groups of the same name")  # fmt: skip
        yield from _filtered(guest)
    if "encryption" in kinds:
        yield Fact("warning", "/ is encrypted in the guest: each boot waits for its passphrase",
                   "decrypt it before the upload and use Azure's own disk encryption")  # fmt: skip
    if system.live is None:
        yield Fact("ok", "as fstab tells: / is on %s; partitions were not looked at (not a live system)"
                   % (" and ".join(kinds) or "a plain partition"))  # fmt: skip
        return
    starts = {name: start for disk in devices.os_disks(guest, system.live) for name, start in _starts(system, disk)}
    early = ["%s (sector %d)" % (name, start) for name, start in sorted(starts.items()) if start < FIRST]
    if early:
        yield Fact("warning", "a partition begins below 1 MiB: %s" % ", ".join(early),
                   "the Marketplace wants the first 2048 sectors free; move it with a partition editor")  # fmt: skip
    if starts and not early and not kinds:
        yield Fact("ok", "/ is on a plain partition; the first partition begins at sector %d" % min(starts.values()))
    if not starts:
        yield Fact("skipped", "no partition of the OS disk was found in /sys/class/block", "see: lsblk")


def _filtered(guest: Guest) -> Iterator[Item]:
    """LVM's filters let it look at the OS disk under the names that it has on Azure."""
    for path in FILTERS:
        for key, patterns in lvmconf.filters(guest.text(path) or "").items():
            refused = [name for name in AZURE if not lvmconf.accepts(patterns, name)]
            if refused:
                yield Fact("failed", "%s in %s keeps LVM from %s, and / is on LVM" % (key, path, " and ".join(refused)),
                           "let it accept them too, and make the initrds anew: they hold the file")  # fmt: skip


def _kinds(system: System) -> List[str]:
    """What lies between / and the disk: RAID, LVM, encryption; as the kernel tells, else as fstab names it."""
    guest = system.guest
    mount = devices.mount_of(system.live, "/") if system.live else None
    layers = devices.layers(guest, mount.device) if mount else []
    if layers:
        marks = {"LVM": "LVM-", "encryption": "CRYPT-"}  # how device mapper's users begin their UUIDs
        told = [guest.text("/sys/class/block/%s/dm/uuid" % name) or "" for name in layers]
        found = ["RAID"] if any(name.startswith("md") for name in layers) else []
        return found + [kind for kind in sorted(marks) if any(one.startswith(marks[kind]) for one in told)]
    root = next((e.device for e in fstab.parse(guest.text("/etc/fstab") or "") if e.mount_point == "/"), "")
    if root.startswith("/dev/md"):
        return ["RAID"]
    if multipath(root):
        return []
    if root.startswith(("/dev/mapper/luks-", "/dev/mapper/crypt")):
        return ["encryption"]
    return ["LVM"] if root.startswith("/dev/mapper/") or devices.logical_volume(root) else []


def _starts(system: System, disk: str) -> Iterator[Tuple[str, int]]:
    for name in system.guest.names("/sys/class/block"):
        folder = "/sys/class/block/" + name
        if name != disk and devices.disks(system.guest, "/dev/" + name) == {disk}:
            text = system.guest.text(folder + "/start")
            if text is not None:
                yield name, int(text)


STEP = Step(
    id="disk-layout",
    title="/ is on a plain partition that leaves the first MiB free",
    reason="Azure's platform and its rescue procedure work on partitions: a rescue VM made from the same "
    "image has volume groups of the same name as the broken disk. The operating system may not be on "
    "software RAID. The Marketplace wants the first MiB of the OS disk (2048 sectors) free. LVM's "
    "devices file pins volume groups to the ids of the present machine's disks, which are others on "
    "Azure, and so may the filters of lvm.conf: the boot then ends in the emergency shell.",
    source='Microsoft, "Prepare Linux for imaging in Azure" (standard partitions rather than LVM) and Azure '
    "Marketplace VM certification (first 2048 sectors); lvmdevices(8); virt-sysprep(1), "
    "lvm-system-devices",
    remedy="lsblk; fdisk -l: the first partition starts at sector 2048 or later.\n"
    "mv /etc/lvm/devices/system.devices /root/ (vgimportdevices -a makes a new one on the new machine)",
    changes=changes,
)
