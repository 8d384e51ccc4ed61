"""RHEL 8, Alma 8 and their kin: entries with $kernelopts, which is in grubenv; on UEFI grub.cfg is the ESP's own."""

from typing import Tuple

from tests.roots import el, elbls, rpms
from tests.roots.elbls import Release, expected, kernels, row
from tests.roots.pieces import Files, loaders
from tests.roots.tree import AZURE, Tree
from tests.trees import Program, To

BIOS, EFI = "/boot/grub2/grub.cfg", "/boot/efi/EFI/redhat/grub.cfg"
RHEL = Release(
    ("Red Hat Enterprise Linux", "8.10", "Ootpa"), "rhel", "8",
    kernels("4.18.0-553.el8_10.x86_64", "4.18.0-513.5.1.el8_9.x86_64"), "4.18.0-999.el8_10.x86_64", 49,
    "python3.6", crash="crashkernel=auto", shared=True, cmdline=False,
)  # fmt: skip


def rhel8_bios() -> Files:
    """kernelopts in grubenv decides; the fallback in grub.cfg must follow; no agent, dnf installs it."""
    found = elbls.guest(RHEL, BIOS, with_agent=False)
    found["/boot/grub2/i386-pc/core.img"] = b"\0" * 512
    return found


def rhel8_uefi() -> Files:
    """grub.cfg and grubenv are on the ESP; tuned has an argument of its own in grub.cfg."""
    found = elbls.guest(RHEL, EFI, efi=True)
    config = str(found[EFI]).replace("\nif [ -z", '\nset tuned_params="skew_tick=1"\n\nif [ -z', 1)
    found.update(loaders("redhat", config, fallback="BOOTX64.EFI fbx64.efi"))
    found.update({
        "/etc/grub.d/00_tuned": Program('#!/bin/sh\n. /etc/tuned/bootcmdline\n'
                                        'echo "set tuned_params=\\"$TUNED_BOOT_CMDLINE\\""\n'),
        "/etc/tuned/bootcmdline": 'TUNED_BOOT_CMDLINE="skew_tick=1"\nTUNED_BOOT_INITRD_ADD=""\n',
    })  # fmt: skip
    return found


ALMA = RHEL._replace(
    names=("AlmaLinux", "8.9", "Midnight Oncilla"), identity="almalinux", like="rhel centos fedora", vendor="almalinux",
    kernels=kernels("4.18.0-513.5.1.el8_9.x86_64"), root="/dev/mapper/almalinux-root",
    volumes="rd.lvm.lv=almalinux/root rd.lvm.lv=almalinux/swap", swap="/dev/mapper/almalinux-swap",
)  # fmt: skip


def alma8() -> Files:
    """BIOS; after `grubby --args` by hand: one entry has options of its own, /etc/kernel/cmdline is there too."""
    found = elbls.guest(ALMA, BIOS)
    path = next(one for one in found if one.endswith(ALMA.kernels[0].version + ".conf"))
    found[path] = str(found[path]).replace("$kernelopts", ALMA.line + " audit=1")
    found["/boot/grub2/i386-pc/core.img"] = b"\0" * 512
    found["/etc/kernel/cmdline"] = ALMA.line + " audit=1\n"
    found["/etc/grub2.cfg"] = To("../boot/grub2/grub.cfg")
    return found


KEPT = "rd.lvm.lv=rhel/root"
VERSIONS = [kernel.version for kernel in RHEL.kernels]
BROUGHT = tuple(elbls.AGENT) + (rpms.NEW,)
LINE = "root=/dev/mapper/rhel-root ro %s %s" % (KEPT, AZURE)  # of the rescue entry too: it has $kernelopts
TUNED = expected(RHEL, KEPT, LINE)
OWN = {el.title(*RHEL.names) % {"version": one}: LINE + " skew_tick=1" for one in VERSIONS}
AKEPT = "root=/dev/mapper/almalinux-root ro rd.lvm.lv=almalinux/root "
MIXED = expected(ALMA, "rd.lvm.lv=almalinux/root", AKEPT + AZURE,
                 lines={"/etc/kernel/cmdline": (AKEPT + "audit=1 " + AZURE,)})  # fmt: skip
MINE = {el.title(*ALMA.names) % {"version": ALMA.kernels[0].version}: AKEPT + "audit=1 " + AZURE}
TREES: Tuple[Tree, ...] = (
    row("rhel-8-bios", rhel8_bios, RHEL, BIOS, expected(RHEL, KEPT, LINE, brought=BROUGHT)),
    row(
        "rhel-8-uefi",
        rhel8_uefi,
        RHEL,
        EFI,
        TUNED._replace(
            entries=dict(TUNED.entries, **OWN),
            future={title: line + " skew_tick=1" for title, line in TUNED.future.items()},
        ),
    ),
    row("alma-8-mixed", alma8, ALMA, BIOS, MIXED._replace(entries=dict(MIXED.entries, **MINE))),
)
