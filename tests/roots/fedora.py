"""Fedora 43: options in the entries, grub2-mkconfig that overwrites them, NetworkManager with keyfiles, dracut 107.

Read: 10_linux and grub2-mkconfig of fedora-43 (rhboot/grub2), which has no --update-bls-cmdline.  Inferred: versions.
"""

from typing import Tuple

from tests.roots import elbls, rpms
from tests.roots.elbls import Release, expected, kernels, row
from tests.roots.grub import stub
from tests.roots.pieces import Files, loaders
from tests.roots.tree import Tree

BOUND = {"/etc/NetworkManager/system-connections/enp1s0.nmconnection": "(?m)^mac-address"}
CFG, ESP = "/boot/grub2/grub.cfg", "/boot/efi/EFI/fedora/grub.cfg"
F43 = Release(
    ("Fedora Linux", "43", "Server Edition"), "fedora", "9.0", kernels("6.17.1-300.fc43.x86_64"),
    "6.17.99-300.fc43.x86_64", 107, "python3.14", root="UUID=0a1b2c3d-1111-4222-8333-444455556666", crash="",
    volumes="rootflags=subvol=root", swap="", like="", vendor="fedora", syncs=True, database=rpms.SYSIMAGE, ifcfg=False,
)  # fmt: skip


def fedora43() -> Files:
    """btrfs, zram for swap, UEFI with a stub; the entry's options are all that counts."""
    found = elbls.guest(F43, CFG, efi=True)
    found.update(loaders("fedora", stub("/boot/grub2"), fallback="BOOTX64.EFI fbx64.efi"))
    found["/etc/fstab"] = str(found["/etc/fstab"]).replace(" / xfs defaults", " / btrfs subvol=root,compress=zstd:1")
    found["/usr/lib/systemd/zram-generator.conf"] = "[zram0]\nzram-size = min(ram, 8192)\n"
    return found


TREES: Tuple[Tree, ...] = (
    row(
        "fedora-43",
        fedora43,
        F43,
        CFG,
        expected(
            F43, "rootflags=subvol=root", verdicts={"certification": "warning"}, same=(ESP, "/etc/fstab"), without=BOUND
        ),
    ),
)
