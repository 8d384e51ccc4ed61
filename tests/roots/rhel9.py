"""RHEL 9 and 10, CentOS Stream 9, Alma 9, Rocky 9: options in the entries; on UEFI the ESP's grub.cfg is a stub."""

from typing import Tuple

from tests.roots import el, elbls, rpms
from tests.roots.elbls import Release, expected, kernels, row
from tests.roots.grub import UUID, made, stub
from tests.roots.pieces import AARCH64, LEAVES_IT, Files, cloud_init, loaders
from tests.roots.tree import AZURE, Tree

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

R10 = R94._replace(
    names=("Red Hat Enterprise Linux", "10.0", "Coughlan"), dracut=105, python="python3.12", syncs=True, ifcfg=False,
    kernels=kernels("6.12.0-55.9.1.el10_0.x86_64"), later="6.12.0-999.el10_0.x86_64",
    crash="crashkernel=2G-64G:256M,64G-:512M", database=rpms.SYSIMAGE,
)  # fmt: skip


def rhel10() -> Files:
    """kernel-install has grub2-mkconfig overwrite an old /etc/kernel/cmdline; a keyfile bound to a MAC; no agent."""
    found = elbls.guest(R10, CFG, with_agent=False, efi=True)
    found.update(loaders("redhat", stub("/grub2"), fallback="BOOTX64.EFI fbx64.efi"))
    return found


ALMA = R94._replace(
    names=("AlmaLinux", "9.4", "Seafoam Ocelot"), identity="almalinux", like="rhel centos fedora", vendor="almalinux",
    root="/dev/mapper/almalinux-root", volumes="rd.lvm.lv=almalinux/root rd.lvm.lv=almalinux/swap",
    swap="/dev/mapper/almalinux-swap", kernels=kernels("5.14.0-427.13.1.el9_4.x86_64"),
)  # fmt: skip


def alma9() -> Files:
    """BIOS; an entry of a cloned machine under another machine-id, options on two lines."""
    found = elbls.guest(ALMA, CFG)
    found["/boot/grub2/i386-pc/core.img"] = b"\0" * 512
    path = next(one for one in found if one.endswith(ALMA.kernels[0].version + ".conf"))
    text = str(found.pop(path)).replace(" rhgb quiet $tuned_params", "\noptions rhgb quiet $tuned_params")
    found[path.replace(el.MACHINE, "f" * 32)] = text
    return found


ROCKY = R94._replace(
    names=("Rocky Linux", "9.3", "Blue Onyx"), identity="rocky", like="rhel centos fedora", vendor="rocky", volumes="",
    root="UUID=" + UUID, swap="", kernels=kernels("5.14.0-362.18.1.el9_3.x86_64"), rest="no_timer_check "
    "net.ifnames=0 console=ttyS0,115200n8",
)  # fmt: skip


def rocky9() -> Files:
    """The cloud image: plain partitions, cloud-init provisions, its own console= is at the same port."""
    found = elbls.guest(ROCKY, CFG, efi=True)
    found.update(cloud_init(conf="datasource_list: [ NoCloud, ConfigDrive, None ]\n"))
    found.update(loaders("rocky", stub("/boot/grub2"), fallback="BOOTX64.EFI fbx64.efi"))
    found["/boot/grub2/i386-pc/core.img"] = b"\0" * 512
    return found


STREAM = R94._replace(
    names=("CentOS Stream", "9", ""), identity="centos", like="rhel fedora", vendor="centos", crash="",
    root="/dev/mapper/cs-root", volumes="rd.lvm.lv=cs/root rd.lvm.lv=cs/swap", swap="/dev/mapper/cs-swap",
    kernels=kernels("5.14.0-480.el9.x86_64"),
)  # fmt: skip


def stream9() -> Files:
    """/etc/kernel/cmdline was removed, so that the next kernel would get what the running one has."""
    found = elbls.guest(STREAM, CFG)
    del found["/etc/kernel/cmdline"]
    found["/etc/kernel/.keep"] = ""
    found["/boot/grub2/i386-pc/core.img"] = b"\0" * 512
    return found


ARM = R94._replace(
    kernels=kernels("5.14.0-427.13.1.el9_4.aarch64"), later="5.14.0-999.el9_4.aarch64", elf=AARCH64,
    rest="console=ttyS0,115200n8 rhgb quiet",
)  # fmt: skip
ARM_ESP = "/boot/efi/EFI/redhat/grub.cfg"


def rhel9_arm() -> Files:
    """aarch64: the serial port is ttyAMA0; no earlyprintk; BOOTAA64.EFI is missing."""
    found = elbls.guest(ARM, CFG, efi=True)
    found.update(loaders("redhat", stub("/grub2"), "aa64"))
    return found


NOBLS = R94._replace(kernels=R94.kernels[:1], cmdline=False)


def rhel9_no_bls() -> Files:
    """GRUB_ENABLE_BLSCFG=false: the menu is in grub.cfg, and entries are left over that it does not read."""
    found = elbls.guest(NOBLS, CFG)
    found["/etc/default/grub"] = str(found["/etc/default/grub"]).replace("BLSCFG=true", "BLSCFG=false")
    found["/boot/grub2/i386-pc/core.img"] = b"\0" * 512
    return made(found, NOBLS.style, CFG)


LEFT = "/boot/loader/entries/%s-%s.conf" % (el.MACHINE, NOBLS.kernels[0].version)
# 20-grub.install writes an entry for a later kernel all the same, and no menu shows it (MAAS packer #191).
EXPECTED_NOBLS = expected(
    NOBLS, "rd.lvm.lv=rhel/root", "root=/dev/mapper/rhel-root ro rd.lvm.lv=rhel/root " + AZURE, same=(LEFT,),
)._replace(future={})  # fmt: skip
TREES: Tuple[Tree, ...] = (
    row("rhel-9-no-blscfg", rhel9_no_bls, NOBLS, CFG, EXPECTED_NOBLS),
    row("rhel-9.0-bios", rhel90, R90, CFG, expected(R90, "rd.lvm.lv=rhel/root")),
    row(
        "rhel-9.4-uefi",
        rhel94,
        R94,
        CFG,
        expected(R94, "rd.lvm.lv=rhel/root", same=(ESP,), gone=("/etc/lvm/devices/system.devices",), verdicts=PLAIN),
    ),
    row(
        "rhel-10-uefi",
        rhel10,
        R10,
        CFG,
        expected(R10, "rd.lvm.lv=rhel/root", same=(ESP,), brought=tuple(elbls.AGENT) + (rpms.SYSIMAGE,)),
    ),
    row("alma-9-bios", alma9, ALMA, CFG, expected(ALMA, "rd.lvm.lv=almalinux/root")),
    row(
        "rocky-9-cloud",
        rocky9,
        ROCKY,
        CFG,
        expected(ROCKY, "no_timer_check net.ifnames=0", verdicts=PLAIN, lines={"/etc/waagent.conf": LEAVES_IT}),
    ),
    row("centos-stream-9", stream9, STREAM, CFG, expected(STREAM, "rd.lvm.lv=cs/root")),
    row(
        "rhel-9-aarch64",
        rhel9_arm,
        ARM,
        CFG,
        expected(ARM, "rd.lvm.lv=rhel/root console=ttyS0,115200n8", azure="console=ttyAMA0,115200n8 rootdelay=300"),
    ),
)
