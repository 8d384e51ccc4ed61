"""Amazon Linux 2 and 2023, as their images for KVM have them.

Read: /etc/default/grub and boot entries as users posted them.  Inferred: versions of packages, that 2023's
grub2-mkconfig is of Fedora's kind, and that no repository has the agent, which is there from elsewhere.
"""

from typing import Tuple

from tests.roots import el, elbls, rhel7, rpms
from tests.roots.elbls import Release, expected, kernels, row
from tests.roots.grub import UUID, made, stub
from tests.roots.pieces import LEAVES_IT, Files, Kernel, cloud_init, fstab, loaders, programs, unit
from tests.roots.tree import Tree
from tests.trees import To

NAMES = ("Amazon Linux", "2", "")
STYLE = rhel7.STYLE._replace(name="Amazon Linux", title=el.title(*NAMES), root="UUID=" + UUID, linux="linux",
                             prefix="/boot")  # fmt: skip
K2 = (Kernel("4.14.355-275.570.amzn2.x86_64"),)
NVME = "nvme_core.io_timeout=4294967295 rd.emergency=poweroff rd.shell=0"
KEPT = "console=tty0 console=ttyS0,115200n8 net.ifnames=0 biosdevname=0 " + NVME
CFG = "/boot/grub2/grub.cfg"


def amazon2() -> Files:
    """GRUB_TERMINAL names a terminal of EC2 alone; both variables have arguments; the network scripts run."""
    found = rhel7.guest(STYLE, NAMES, "amzn", like="centos rhel fedora", kernels=K2)
    for path in [one for one in found if "rescue" in one or "NetworkManager" in one]:
        del found[path]
    folder = "/etc/sysconfig/network-scripts/"
    for path in [one for one in found if one.startswith(folder)]:
        del found[path]
    found.update({
        "/etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="%s"\nGRUB_TIMEOUT=0\nGRUB_DISABLE_RECOVERY="true"\n'
        'GRUB_TERMINAL="ec2-console"\nGRUB_X86_USE_32BIT="true"\nGRUB_DISABLE_SUBMENU=true\n' % KEPT,
        folder + "ifcfg-eth0": "DEVICE=eth0\nBOOTPROTO=dhcp\nONBOOT=yes\nTYPE=Ethernet\nUSERCTL=yes\nPEERDNS=yes\n"
        "DHCPV6C=yes\nDHCPV6C_OPTIONS=-nw\nPERSISTENT_DHCLIENT=yes\nRES_OPTIONS=\"timeout:2 attempts:5\"\n",
        folder + "network-functions": "# -*-Shell-script-*-\n",
        "/etc/sysconfig/network": "NETWORKING=yes\nNOZEROCONF=yes\n",
        "/etc/rc.d/init.d/network": "#!/bin/bash\n# chkconfig: 2345 10 90\n", "/etc/init.d": To("rc.d/init.d"),
        "/etc/rc3.d": To("rc.d/rc3.d"), "/etc/fstab": fstab("UUID=" + UUID, "xfs"),
        "/boot/grub2/i386-pc/core.img": b"\0" * 512,
    })  # fmt: skip
    for level in "2345":
        found["/etc/rc.d/rc%s.d/S10network" % level] = To("../init.d/network")
    found.update(cloud_init())
    return made(found, STYLE, CFG)


AZURE2 = KEPT.replace("115200n8 ", "115200n8 earlyprintk=ttyS0,115200 rootdelay=300 ")
LINE2 = "root=UUID=%s ro %s" % (UUID, AZURE2)
EXPECTED2 = rhel7.expected(
    STYLE, "", K2, rescue=False, verdicts={"certification": "warning"}, without={},
    lines={"/etc/waagent.conf": LEAVES_IT, "/etc/ssh/sshd_config": ("ClientAliveInterval 180",)},
)  # fmt: skip
EXPECTED2 = EXPECTED2._replace(entries=dict.fromkeys(EXPECTED2.entries, LINE2),
                               future=dict.fromkeys(EXPECTED2.future, LINE2))  # fmt: skip

A2023 = Release(
    ("Amazon Linux", "2023", ""), "amzn", "9.0", kernels("6.1.112-122.189.amzn2023.x86_64", suffix=".ko"),
    "6.1.999-1.amzn2023.x86_64", 55, "python3.9", root="UUID=" + UUID, volumes="", swap="", crash="",
    rest="console=tty0 console=ttyS0,115200n8 nvme_core.io_timeout=4294967295 rd.emergency=poweroff rd.shell=0 "
    "selinux=1 security=selinux quiet numa_cma=1:64M", vendor="amzn", ifcfg=False, database=rpms.SYSIMAGE,
)  # fmt: skip


def amazon2023() -> Files:
    """systemd-networkd matches every card; UEFI with a stub; cloud-init provisions."""
    found = elbls.guest(A2023, CFG, efi=True)
    for path in [one for one in found if "NetworkManager" in one]:
        del found[path]
    found.update(unit("systemd-networkd", "/usr/lib/systemd/systemd-networkd"))
    found.update(programs("/usr/lib/systemd/systemd-networkd"))
    cards = "[Match]\nDriver=ena ixgbevf vif virtio_net\n\n[Network]\nDHCP=yes\n"
    found["/usr/lib/systemd/network/80-ec2.network"] = cards
    found.update(cloud_init())
    found.update(loaders("amzn", stub("/boot/grub2"), fallback="BOOTX64.EFI fbx64.efi"))
    return found


REST = "nvme_core.io_timeout=4294967295 rd.emergency=poweroff rd.shell=0 selinux=1 security=selinux numa_cma=1:64M"
EXPECTED2023 = expected(
    A2023, "console=tty0 console=ttyS0,115200n8 " + REST, azure="earlyprintk=ttyS0,115200 rootdelay=300",
    verdicts={"certification": "warning"}, lines={"/etc/waagent.conf": LEAVES_IT}, without={},
    same=("/boot/efi/EFI/amzn/grub.cfg",),
)  # fmt: skip

TREES: Tuple[Tree, ...] = (
    rhel7.row("amazon-2", amazon2, STYLE, CFG, EXPECTED2),
    row(
        "amazon-2023",
        amazon2023,
        A2023,
        CFG,
        EXPECTED2023._replace(
            lines={"/etc/waagent.conf": LEAVES_IT, "/etc/ssh/sshd_config": ("ClientAliveInterval 180",)}
        ),
    ),
)
