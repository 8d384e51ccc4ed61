"""Ubuntu 16.04 to 24.04 with GRUB 2 and initramfs-tools, on x86_64 and arm64, and Linux Mint as its descendant.

Read: waagent.conf of WALinuxAgent's config/ubuntu (01d4487d), entries that GRUB_FORCE_PARTUUID makes (a grub.cfg of a
cloud image), the form of 50-cloudimg-settings.cfg, built-ins of linux-azure.  Inferred: names of kernels and versions
of packages.
"""

from typing import Any, Dict, Tuple

from tests.roots.deb import (
    base,
    dpkg,
    grub2,
    grub_menu,
    ifupdown,
    initramfs_tools,
    installed,
    later,
    ssh,
    titles,
    tools,
)
from tests.roots.grub import UUID, Style, made, stub
from tests.roots.pieces import (
    LEAVES_IT,
    PROVISIONS,
    UBUNTU,
    Files,
    Kernel,
    agent,
    cloud_init,
    fstab,
    loaders,
    programs,
    unit,
    wants,
)
from tests.roots.tree import HELD, SHORT, Expected, Tree
from tests.trees import Program, To, make_tree

STYLE = Style("Ubuntu", recovery="recovery nomodeset", handoff=True)
R = "root=UUID=%s ro " % UUID
LATER = "9.9.0-1-generic"
INSTALLER = """# written by the installer
datasource_list: [None]
"""


ETH0 = ("        name: eth0", "      dhcp4: true")


def release(number: str, name: str) -> str:
    return (
        'NAME="Ubuntu"\nVERSION="%s LTS (%s)"\nID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu %s LTS"\n'
        'VERSION_ID="%s"\n' % (number, name, number, number)
    )


def expected(kernels: Tuple[Kernel, ...], normal: str = SHORT, recovery: str = SHORT, style: Style = STYLE,
             **more: Any) -> Expected:  # fmt: skip
    versions = [kernel.version for kernel in kernels]
    root = "root=%s ro " % style.root
    last = root + style.recovery + " " + recovery
    more.setdefault("held", dict.fromkeys(["/boot/initrd.img-" + version for version in versions], HELD))
    return Expected(titles(style, versions, root + normal, last), later(style, LATER, root + normal, last), **more)


def netplan(text: str, name: str = "00-installer-config.yaml") -> Files:
    found: Files = {"/etc/netplan/" + name: text}
    found.update(programs("/usr/sbin/netplan /usr/lib/systemd/systemd-networkd"))
    found.update(unit("systemd-networkd", "/usr/lib/systemd/systemd-networkd"))
    return found


# -- 16.04 on LVM ----------------------------------------------------------------------------------------------
LVM = STYLE._replace(root="/dev/mapper/ubuntu--vg-root")
K16 = (Kernel("4.4.0-210-generic", modules="/lib/modules"),)


def ubuntu16() -> Files:
    """root and swap on LVM, ifupdown on ens3, the agent of 2.2.45, /etc/default/grub as it was installed."""
    folder = "/lib/systemd/system"
    found = base(release("16.04.7", "Xenial Xerus").replace('16.04.7"\n', '16.04"\n'), K16, "python3.5", False)
    found.update(grub2("quiet splash"))
    found.update(initramfs_tools(K16, "most", folder="lib", records=True))
    found.update(ifupdown("ens3", folder))
    found.update(ssh(folder, include=False))
    found.update(agent(UBUNTU, "walinuxagent", folder=folder))
    found.update({
        "/etc/fstab": fstab("/dev/mapper/ubuntu--vg-root", swap="/dev/mapper/ubuntu--vg-swap_1"),
        "/etc/initramfs-tools/conf.d/resume": "RESUME=/dev/mapper/ubuntu--vg-swap_1\n",
        "/var/lib/dpkg/status": dpkg(walinuxagent="2.2.45-0ubuntu1~16.04.1", openssh_server="1:7.2p2-4ubuntu2.10"),
    })  # fmt: skip
    return made(found, LVM)


EXPECTED16 = expected(
    K16, SHORT + " splash $vt_handoff", SHORT, LVM,
    lines={"/etc/network/interfaces.d/eth0": ("allow-hotplug eth0", "iface eth0 inet dhcp"),
           "/etc/waagent.conf": PROVISIONS, "/etc/ssh/sshd_config": ("ClientAliveInterval 180",),
           "/etc/initramfs-tools/conf.d/resume": ("RESUME=none",)},
    without={"/etc/fstab": r"\sswap\s"},
    verdicts={"certification": "warning", "disk-layout": "warning"},
)  # fmt: skip

# -- 18.04 by the live installer -------------------------------------------------------------------------------
K18 = (Kernel("5.4.0-150-generic"), Kernel("4.15.0-213-generic"))


def ubuntu18() -> Files:
    """netplan bound to a MAC address, curtin's and subiquity's leftovers, a swap file, two kernels."""
    found = base(release("18.04", "Bionic Beaver"), K18, "python3.6")
    found.update(grub2("", "maybe-ubiquity"))
    found.update(initramfs_tools(K18, "dep", records=True))
    found.update(ssh(include=False))
    found.update(agent(UBUNTU, "walinuxagent"))
    found.update(cloud_init(conf="datasource_list: [ NoCloud, ConfigDrive, OpenNebula, None ]\n"))
    found.update(
        netplan(
            "network:\n    ethernets:\n        ens3:\n            dhcp4: true\n            match:\n"
            "                macaddress: 52:54:00:12:34:56\n            set-name: ens3\n    version: 2\n",
            "50-cloud-init.yaml",
        )
    )
    found.update({
        "/etc/cloud/cloud.cfg.d/50-curtin-networking.cfg": "network:\n  config: disabled\n",
        "/etc/cloud/cloud.cfg.d/99-installer.cfg": INSTALLER,
        "/etc/fstab": fstab(swap="/swap.img"),
        "/swap.img": b"\0" * 4086 + b"SWAPSPACE2" + b"\0" * 4096,
        "/var/lib/dpkg/status": dpkg(walinuxagent="2.2.45-0ubuntu1~18.04.1", cloud_init="22.4.2-0ubuntu0~18.04.1",
                                     openssh_server="1:7.6p1-4ubuntu0.7"),
    })  # fmt: skip
    return made(found, STYLE)


L18 = "maybe-ubiquity " + SHORT
EXPECTED18 = expected(
    K18, L18, L18,
    lines={"/etc/waagent.conf": LEAVES_IT[:2]}, gone=("/swap.img", "/etc/cloud/cloud.cfg.d/99-installer.cfg"),
    without={"/etc/fstab": r"\sswap\s"},
)  # fmt: skip

# -- 20.04, the cloud image ------------------------------------------------------------------------------------
CLOUD = STYLE._replace(root="PARTUUID=11112222-03")
# What linux-azure 5.15 has built in; hv_netvsc is a module there.
AZURE_BUILTIN = "hv_vmbus hv_storvsc scsi_transport_fc scsi_mod sd_mod hid-hyperv hyperv-keyboard ext4 virtio_blk"
K20 = (Kernel("5.15.0-1041-azure", builtin=AZURE_BUILTIN), Kernel("5.4.0-156-generic"))


def ubuntu20() -> Files:
    """A cloud image on UEFI: grub.d assigns GRUB_CMDLINE_LINUX_DEFAULT again and forces PARTUUID without an initrd."""
    found = base(release("20.04", "Focal Fossa"), K20, "python3.8")
    found.update(grub2("quiet splash"))
    found.update(initramfs_tools(K20))
    found.update(ssh())
    found.update(agent(UBUNTU, "walinuxagent"))
    found.update(cloud_init(conf="datasource_list: [ NoCloud, ConfigDrive, Azure, Ec2, None ]\n"))
    found.update(
        netplan(
            "network:\n    version: 2\n    ethernets:\n        ens3:\n            dhcp4: true\n", "50-cloud-init.yaml"
        )
    )
    found.update(loaders("ubuntu", stub("/boot/grub", style="debian"), fallback="BOOTX64.EFI grubx64.efi"))
    found.update({
        "/etc/default/grub.d/50-cloudimg-settings.cfg": "# Cloud Image specific Grub settings for Generic Cloud "
        "Images\n# CLOUD_IMG: This file was created/modified by the Cloud Image build process\n\n"
        "# Set the recordfail timeout\nGRUB_RECORDFAIL_TIMEOUT=0\n\n# Do not wait on grub prompt\nGRUB_TIMEOUT=0\n\n"
        '# Set the default commandline\nGRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0"\n\n'
        "# Set the grub console type\nGRUB_TERMINAL=console\n",
        "/etc/default/grub.d/40-force-partuuid.cfg": "# Force boot using partuuid\nGRUB_FORCE_PARTUUID=11112222-03\n",
        "/etc/fstab": "LABEL=cloudimg-rootfs\t/\t ext4\tdefaults\t0 1\nLABEL=UEFI\t/boot/efi\tvfat\tumask=0077\t0 1\n",
        "/var/lib/dpkg/status": dpkg(walinuxagent="2.2.46-0ubuntu1.1", cloud_init="23.2.2-0ubuntu0~20.04.1",
                                     openssh_server="1:8.2p1-4ubuntu0.5"),
    })  # fmt: skip
    return made(found, CLOUD)


L20 = "console=tty1 " + SHORT


def twice(found: Dict[str, str]) -> Dict[str, str]:
    """Each entry has a second line for its kernel, for a start without an initrd."""
    out = {}
    for title, line in found.items():
        out[title] = line
        out[title + " #2"] = line + " panic=-1"
    return out


EXPECTED20 = expected(
    K20, L20, L20, CLOUD,
    held={"/boot/initrd.img-5.15.0-1041-azure": "hv_netvsc", "/boot/initrd.img-5.4.0-156-generic": HELD},
    lines={"/etc/waagent.conf": LEAVES_IT[:2]},
    verdicts={"certification": "warning", "fstab": "warning"},
    same=("/boot/efi/EFI/ubuntu/grub.cfg", "/etc/default/grub.d/40-force-partuuid.cfg"),
)  # fmt: skip
EXPECTED20 = EXPECTED20._replace(entries=twice(EXPECTED20.entries), future=twice(EXPECTED20.future))

# -- 22.04 without the agent -----------------------------------------------------------------------------------
K22 = (Kernel("5.15.0-119-generic"),)
AGENT22 = agent(UBUNTU, "walinuxagent")


def apt_get(root: str, argv: Tuple[str, ...]) -> int:
    """`apt-get update`, and `apt-get install walinuxagent` without what it recommends."""
    if argv[-1] != "update":
        assert "install" in argv and "--no-remove" in argv and argv[-1] == "walinuxagent", argv
        make_tree(root, AGENT22, minimal=False)
        with open(root + "/var/lib/dpkg/status", "a") as stream:
            stream.write(dpkg(walinuxagent="2.2.46-0ubuntu4"))
    return 0


def ubuntu22() -> Files:
    """No agent and no cloud-init; sshd does not start at boot; NetworkManager renders netplan."""
    found = base(release("22.04", "Jammy Jellyfish"), K22, "python3.10")
    found.update(grub2("quiet splash", "crashkernel=512M-:192M"))
    found.update(initramfs_tools(K22, packing="zstd"))
    found.update({path: one for path, one in ssh().items() if not path.startswith("/etc/systemd")})
    found.update(netplan("network:\n  version: 2\n  renderer: NetworkManager\n", "01-network-manager-all.yaml"))
    found.update(unit("NetworkManager", "/usr/sbin/NetworkManager --no-daemon"))
    found.update(
        {
            "/etc/NetworkManager/NetworkManager.conf": "[main]\nplugins=ifupdown,keyfile\n\n[ifupdown]\n"
            "managed=false\n",
            "/usr/sbin/NetworkManager": Program("#!/bin/sh\n"),
            "/etc/fstab": fstab(),
            "/var/lib/dpkg/status": dpkg(openssh_server="1:8.9p1-3ubuntu0.10", network_manager="1.36.6-0ubuntu2"),
        }
    )
    return made(found, STYLE)


EXPECTED22 = expected(
    K22, SHORT + " splash $vt_handoff", SHORT,
    lines={"/etc/waagent.conf": PROVISIONS},
    links={wants("ssh"): "/lib/systemd/system/ssh.service",
           wants("walinuxagent"): "/usr/lib/systemd/system/walinuxagent.service"},
    brought=tuple(AGENT22) + ("/var/lib/dpkg/status",),
)  # fmt: skip

# -- 24.04 -----------------------------------------------------------------------------------------------------
K24 = (Kernel("6.8.0-45-generic", suffix=".ko.zst"),)


def ubuntu24(elf: bytes = b"", kernel: Kernel = K24[0]) -> Files:
    """zstd throughout, sshd by its socket, a swap file, early microcode in front of the image."""
    more: Dict[str, Any] = {"elf": elf} if elf else {}
    found = base(release("24.04", "Noble Numbat"), (kernel,), "python3.12", **more)
    found.update(grub2("quiet splash"))
    found.update(initramfs_tools((kernel,), packing="early zstd"))
    found.update(ssh())
    del found[wants("ssh")]
    found.update({
        "/usr/lib/systemd/system/ssh.socket": "[Socket]\nListenStream=22\nAccept=no\n\n[Install]\n"
        "WantedBy=sockets.target\n",
        "/etc/systemd/system/sockets.target.wants/ssh.socket": To("/usr/lib/systemd/system/ssh.socket"),
    })  # fmt: skip
    found.update(agent(UBUNTU, "walinuxagent"))
    found.update(netplan("network:\n  version: 2\n  ethernets:\n    enp1s0:\n      dhcp4: true\n"))
    found.update({
        "/etc/fstab": fstab(swap="/swap.img"), "/swap.img": b"\0" * 4086 + b"SWAPSPACE2" + b"\0" * 4096,
        "/var/lib/dpkg/status": dpkg(walinuxagent="2.10.0.8-0ubuntu3", openssh_server="1:9.6p1-3ubuntu13.5"),
    })  # fmt: skip
    return made(found, STYLE)


EXPECTED24 = expected(
    K24, SHORT + " splash $vt_handoff", SHORT,
    lines={"/etc/netplan/90-agentprep.yaml": ETH0, "/etc/waagent.conf": PROVISIONS}, gone=("/swap.img",),
    links={"/etc/systemd/system/sockets.target.wants/ssh.socket": "/usr/lib/systemd/system/ssh.socket"},
)  # fmt: skip


def row(name: str, files: Any, told: Expected, style: Style = STYLE, **more: Any) -> Tree:
    commands = dict(tools(style), **more.pop("commands", {}))
    newer = Kernel(LATER)._replace(**more.pop("newer", {}))
    return Tree("ubuntu-" + name, files, commands, grub_menu, installed(newer, commands), told, **more)


TREES: Tuple[Tree, ...] = (
    row("16.04-lvm", ubuntu16, EXPECTED16, LVM, newer={"modules": "/lib/modules"}),
    row("18.04-netplan", ubuntu18, EXPECTED18),
    row("20.04-cloud-azure", ubuntu20, EXPECTED20, CLOUD),
    row("22.04-no-agent", ubuntu22, EXPECTED22, commands={"apt-get": apt_get}),
    row("24.04-zstd", ubuntu24, EXPECTED24, newer={"suffix": ".ko.zst"}),
)
