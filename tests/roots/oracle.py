"""Oracle Linux 7 to 9 with its Unbreakable Enterprise Kernels beside the Red Hat compatible one.

Inferred: versions of kernels; which Hyper-V drivers a UEK has built in (hv_vmbus from UEK R6 on is assumed, so that
built-ins are subtracted for one kernel and not for the other).  Entries of UEK say "kernel-uek" in their grub_class.
"""

from typing import Tuple

from tests.roots import el, elbls, rhel7
from tests.roots.elbls import Release, expected, kernels, row
from tests.roots.grub import made
from tests.roots.pieces import Files, Kernel, loaders
from tests.roots.tree import AZURE, Tree
from tests.trees import To

BIOS = "/boot/grub2/grub.cfg"
OL7 = ("Oracle Linux Server", "7.9", "")
STYLE = rhel7.STYLE._replace(name=OL7[0], title=el.title(*OL7), root="/dev/mapper/ol-root")
K7 = (Kernel("4.14.35-2047.528.2.el7uek.x86_64"), Kernel("3.10.0-1160.102.1.el7.x86_64"))


def oracle7() -> Files:
    """UEK R5 beside RHCK; names of the volumes are Oracle's."""
    found = rhel7.guest(STYLE, OL7, "ol", group="ol", kernels=K7)
    found["/etc/oracle-release"] = "Oracle Linux Server release 7.9\n"
    found["/boot/grub2/i386-pc/core.img"] = b"\0" * 512
    return made(found, STYLE, BIOS)


OL8 = Release(
    ("Oracle Linux Server", "8.9", ""), "ol", "8",
    (Kernel("5.4.17-2136.325.5.el8uek.x86_64", suffix=".ko.xz", builtin="hv_vmbus hid-hyperv hyperv-keyboard"),
     Kernel("4.18.0-513.5.1.el8_9.x86_64", suffix=".ko.xz")),
    "5.4.17-9999.el8uek.x86_64", 49, "python3.6", crash="crashkernel=auto", shared=True, cmdline=False,
    root="/dev/mapper/ol-root", volumes="rd.lvm.lv=ol/root rd.lvm.lv=ol/swap", swap="/dev/mapper/ol-swap",
)  # fmt: skip
EFI = "/boot/efi/EFI/redhat/grub.cfg"


def oracle8() -> Files:
    """UEK R6, which has some of Hyper-V built in, on UEFI in the folder `redhat`."""
    found = elbls.guest(OL8, EFI, efi=True)
    found.update(loaders("redhat", str(found[EFI]), fallback="BOOTX64.EFI fbx64.efi"))
    found["/etc/oracle-release"] = "Oracle Linux Server release 8.9\n"
    return found


OL9 = OL8._replace(
    names=("Oracle Linux Server", "9.4", ""), kind="9.3", shared=False, cmdline=True, dracut=57, python="python3.9",
    kernels=kernels("5.15.0-206.153.7.1.el9uek.x86_64"), later="5.15.0-999.el9uek.x86_64",
    crash="crashkernel=1G-64G:448M,64G-:512M",
)  # fmt: skip


def oracle9() -> Files:
    """UEK R7 on BIOS; grub.cfg is a link's target."""
    found = elbls.guest(OL9, BIOS)
    found["/boot/grub2/i386-pc/core.img"] = b"\0" * 512
    found["/etc/grub2.cfg"] = To("../boot/grub2/grub.cfg")
    return found


# Of the kernel that has hv_vmbus, hid-hyperv and hyperv-keyboard built in.
UEK6 = "cdrom dm_mod ext4 hv_netvsc hv_storvsc scsi_mod scsi_transport_fc sd_mod sr_mod virtio_blk xfs"
UEK6_HOST = UEK6.replace("cdrom ", "").replace("sr_mod ", "")
EXPECTED8 = expected(OL8, "rd.lvm.lv=ol/root", "root=/dev/mapper/ol-root ro rd.lvm.lv=ol/root " + AZURE)
HELD8 = dict(EXPECTED8.held, **{"/boot/initramfs-%s.img" % OL8.kernels[0].version: UEK6})
TREES: Tuple[Tree, ...] = (
    rhel7.row("oracle-7-uek5", oracle7, STYLE, BIOS, rhel7.expected(STYLE, "rd.lvm.lv=ol/root", K7)),
    row("oracle-8-uek6", oracle8, OL8, EFI, EXPECTED8._replace(held=HELD8, later=UEK6_HOST)),
    row("oracle-9-uek7", oracle9, OL9, BIOS, expected(OL9, "rd.lvm.lv=ol/root")),
)
