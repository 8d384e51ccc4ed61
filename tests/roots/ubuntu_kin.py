"""Ubuntu on arm64, and Linux Mint, which no row of the distributions names: it is Ubuntu's by its ID_LIKE."""

from typing import Tuple

from tests.roots.deb import base, dpkg, grub2, initramfs_tools, ssh
from tests.roots.grub import made, stub
from tests.roots.pieces import AARCH64, PROVISIONS, UBUNTU, Files, Kernel, agent, fstab, loaders, unit
from tests.roots.tree import SHORT, Tree
from tests.roots.ubuntu import K22, STYLE, expected, row, ubuntu24
from tests.trees import Program

# -- 24.04 on arm64 --------------------------------------------------------------------------------------------
KARM = (Kernel("6.8.0-45-generic-64k", suffix=".ko.zst"),)
ARM = "console=ttyAMA0,115200n8 rootdelay=30"


def arm64() -> Files:
    """The serial port is ttyAMA0, earlyprintk is unknown, the fallback loader is BOOTAA64.EFI."""
    found = ubuntu24(AARCH64, KARM[0])
    found.update(loaders("ubuntu", stub("/boot/grub", style="debian"), "aa64"))
    found["/etc/fstab"] = fstab(efi=True)
    return made(found, STYLE)


EXPECTED_ARM = expected(
    KARM, ARM + " splash $vt_handoff", ARM,
    lines={"/etc/waagent.conf": PROVISIONS}, same=("/boot/efi/EFI/ubuntu/grub.cfg",),
)  # fmt: skip

# -- Linux Mint, by its ID_LIKE --------------------------------------------------------------------------------
MINT = STYLE._replace(name="Linux Mint 21.3 Xfce", title="Linux Mint 21.3 Xfce, with Linux %(version)s")


def mint() -> Files:
    """A descendant that no row names: it is treated as Ubuntu, by its ID_LIKE."""
    found = base('NAME="Linux Mint"\nVERSION="21.3 (Virginia)"\nID=linuxmint\nID_LIKE="ubuntu debian"\n'
                 'PRETTY_NAME="Linux Mint 21.3"\nVERSION_ID="21.3"\n', K22, "python3.10")  # fmt: skip
    found.update(grub2("quiet splash"))
    found.update(initramfs_tools(K22))
    found.update(ssh())
    found.update(agent(UBUNTU, "walinuxagent"))
    found.update(unit("NetworkManager", "/usr/sbin/NetworkManager --no-daemon"))
    found.update({"/etc/NetworkManager/NetworkManager.conf": "[main]\nplugins=ifupdown,keyfile\n",
                  "/usr/sbin/NetworkManager": Program("#!/bin/sh\n"), "/etc/fstab": fstab(),
                  "/var/lib/dpkg/status": dpkg(walinuxagent="2.2.46-0ubuntu4", openssh_server="1:8.9p1",
                                               network_manager="1.36.6")})  # fmt: skip
    return made(found, MINT)


EXPECTED_MINT = expected(
    K22, SHORT + " splash $vt_handoff", SHORT, MINT,
    lines={"/etc/waagent.conf": PROVISIONS}, verdicts={"architecture": "warning", "certification": "warning"},
)  # fmt: skip


TREES: Tuple[Tree, ...] = (
    row("24.04-arm64", arm64, EXPECTED_ARM),
    row("like-mint", mint, EXPECTED_MINT, MINT),
)
