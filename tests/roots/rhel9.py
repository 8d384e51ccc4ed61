"""RHEL 9 and 10, CentOS Stream 9, Alma 9, Rocky 9: options in the entries; on UEFI the ESP's grub.cfg is a stub."""

from typing import Tuple

from tests.roots import elbls
from tests.roots.elbls import Release, expected, kernels, row
from tests.roots.grub import stub
from tests.roots.pieces import Files, loaders
from tests.roots.tree import Tree

CFG = "/boot/grub2/grub.cfg"
R90 = Release(
    ("Red Hat Enterprise Linux", "9.0", "Plow"), "rhel", "9.0", kernels("5.14.0-70.13.1.el9_0.x86_64"),
    "5.14.0-70.99.1.el9_0.x86_64", 55, "python3.9", cmdline=False,
)  # fmt: skip


def rhel90() -> Files:
    """grub2-mkconfig overwrites the options of every entry, the rescue one too; there is no /etc/kernel/cmdline."""
    found = elbls.guest(R90, CFG)
    found["/boot/grub2/i386-pc/core.img"] = b"\0" * 512
    return found


R94 = R90._replace(
    names=("Red Hat Enterprise Linux", "9.4", "Plow"), kind="9.3", dracut=57, cmdline=True,
    kernels=kernels("5.14.0-427.26.1.el9_4.x86_64", "5.14.0-427.13.1.el9_4.x86_64"),
    later="5.14.0-999.el9_4.x86_64",
)  # fmt: skip
ESP = "/boot/efi/EFI/redhat/grub.cfg"


def rhel94() -> Files:
    """UEFI: the ESP has a stub; GRUB_CMDLINE_LINUX is empty after image builders; system.devices pins the old disk."""
    found = elbls.guest(R94, CFG, efi=True)
    found.update(loaders("redhat", stub("/grub2"), fallback="BOOTX64.EFI fbx64.efi"))
    found["/etc/lvm/devices/system.devices"] = (
        "VERSION=1.1.1\nIDTYPE=sys_wwid IDNAME=t10.ATA_QEMU_HARDDISK_QM00001 DEVNAME=/dev/sda3 PVID=x PART=3\n"
    )
    return found


PLAIN = {"certification": "warning"}
TREES: Tuple[Tree, ...] = (
    row("rhel-9.0-bios", rhel90, R90, CFG, expected(R90, "rd.lvm.lv=rhel/root")),
    row(
        "rhel-9.4-uefi",
        rhel94,
        R94,
        CFG,
        expected(R94, "rd.lvm.lv=rhel/root", same=(ESP,), gone=("/etc/lvm/devices/system.devices",), verdicts=PLAIN),
    ),
)
