"""SLES 16: GRUB 2 in /boot/grub2 on UEFI, dracut 059, NetworkManager alone, SELinux enforced, defaults in /usr/etc.

Read: the parts for snapshots of a grub.cfg (kiwi's bootloader/template/grub2.py, petitboot's test of SUSE's grub.cfg);
"SLE 16 And The Public Cloud" (suse.com: NetworkManager in place of wicked, SELinux enforcing, predictable names);
os-release of 16.0 and names of its kernels as users posted them.  Inferred: /boot's kernels are links; its arguments
are those of Tumbleweed's installer, which is the same; sudo asks for the user's own password; versions of packages.
"""

import os
from typing import Any, Dict, Tuple

from agentprep.selinux import ACTIVE
from tests.roots import el, read, rpms, sdbootutil, suse, suse_bls, write
from tests.roots.grub import classic, made, started
from tests.roots.images import dracut, host_image
from tests.roots.pieces import PROVISIONS, SWAP, UPSTREAM, Files, Kernel, agent, wants
from tests.roots.suse import CFG, titles
from tests.roots.tree import AZURE, GENERIC, HOST, Expected, Tree
from tests.trees import Handler, Program, To, make_tree

RELEASE = (
    'NAME="SLES"\nVERSION="16.0"\nVERSION_ID="16.0"\nPRETTY_NAME="SUSE Linux Enterprise Server 16.0"\nID="sles"\n'
    'ID_LIKE="suse"\n'
)
SUDOERS = (
    "Defaults always_set_home\nDefaults env_reset\nroot ALL=(ALL:ALL) ALL\n"
    "@includedir /usr/etc/sudoers.d\n@includedir /etc/sudoers.d\n"
)
STYLE = suse.style("SUSE Linux Enterprise Server 16.0")
SNAPSHOTS = (
    'if [ -z "$extra_cmdline" ]; then\n  submenu  "Start bootloader from a read-only snapshot" {\n'
    '      if [ x$snapshot_found != xtrue ]; then\n         submenu "Not Found" { true; }\n      fi\n  }\nfi\n'
)
ESP = "/boot/efi/EFI/sles/"
AGENT = agent(UPSTREAM)
GRUB = "MZ SUSE GRUB"
K = ("6.12.0-160000.9-default", "6.12.0-160000.5-default")
LATER = "6.12.0-160000.38-default"
ARGUMENTS = suse_bls.ARGUMENTS + " resume=/dev/disk/by-uuid/%s crashkernel=323M,high crashkernel=72M,low" % SWAP


def bootable(text: str) -> str:
    """grub.cfg with what is for snapshots: an entry where one is booted, in front; and a menu of them, at the end."""
    front = (
        'if [ -n "$extra_cmdline" ]; then\n  submenu "Bootable snapshot #$snapshot_num" {\n'
        "    menuentry \"If OK, run 'snapper rollback' and reboot.\" { true; }\n  }\nfi\n"
    )
    script = "/etc/grub.d/80_suse_btrfs_snapshot ###\n"
    source = 'if [ -f "/.snapshots/grub-snapshot.cfg" ]; then\n  source "/.snapshots/grub-snapshot.cfg"\nfi\n'
    text = text.replace("menuentry '", front + "menuentry '", 1)
    return text + "\n### BEGIN " + script + source + "### END " + script


def mkconfig(root: str, argv: Tuple[str, ...]) -> Any:
    told = classic(STYLE)(root, argv)
    write(root, argv[2], bootable(read(root, argv[2]).decode()).encode())
    return told


def kernel(version: str) -> Files:
    """The package has all among its modules; what is in /boot are links, but for the initrd."""
    found = Kernel(version, image="/usr/lib/modules/%s/vmlinuz", suffix=".ko.zst").files()
    found["/usr/lib/modules/%s/config" % version] = found.pop("/boot/config-" + version)
    for name in ("vmlinuz", "config"):
        found["/boot/%s-%s" % (name, version)] = To("../usr/lib/modules/%s/%s" % (version, name))
    return found


def sles16() -> Files:
    """SELinux has a policy, and this copy of the disk no labels; nothing starts by itself from the ESP."""
    listed = rpms.listed(openssh="10.0p2-160000.1.2", kernel_default="6.12.0-160000.9.1", sudo="1.9.17p1-160000.1.2")
    found = suse_bls.base(RELEASE, SUDOERS, listed)
    found.update({
        "/etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=targeted\n",
        "/etc/selinux/targeted/policy/policy.33": b"\x8c\xff\x7c\xf9",
        "/etc/default/grub": suse.GRUB % ARGUMENTS, "/etc/grub.d/10_linux": suse.LINUX,
        "/usr/sbin/grub2-mkconfig": Program("#!/bin/sh\n. ${sysconfdir}/default/grub\n"),
        "/etc/sysconfig/bootloader": 'LOADER_TYPE="grub2-efi"\nSECURE_BOOT="yes"\n',
        "/etc/fstab": suse_bls.FSTAB + "UUID=%s swap swap defaults 0 0\n" % SWAP,
        ESP + "shim.efi": sdbootutil.SHIM, ESP + "grub.efi": GRUB, ESP + "grub.cfg": suse.STUB,
        ESP + "MokManager.efi": b"MZ", "/boot/grub2/x86_64-efi/core.efi": b"MZ",
    })  # fmt: skip
    for version in K:
        found.update(kernel(version))
        found["/boot/initrd-" + version] = host_image(list(found), version, "/dev/disk/by-uuid/" + SWAP)
    found.update({"/boot/vmlinuz": To("vmlinuz-" + K[0]), "/boot/initrd": To("initrd-" + K[0])})
    made(found, STYLE, CFG)
    found[CFG] = bootable(str(found[CFG]))
    found["/.snapshots/grub-snapshot.cfg"] = SNAPSHOTS
    return found


COMMANDS: Dict[str, Handler] = {
    "dracut": dracut(59), "grub2-mkconfig": mkconfig, "rpm": rpms.rpm,
    "zypper": rpms.installs(lambda: AGENT, python_azure_agent="2.14.0.1-160000.1.1"),
}  # fmt: skip


def install(root: str) -> str:
    make_tree(root, kernel(LATER), minimal=False)
    COMMANDS["dracut"](root, ("dracut", "--force", "/boot/initrd-" + LATER, LATER))
    COMMANDS["grub2-mkconfig"](root, ("grub2-mkconfig", "-o", CFG))
    return "/boot/initrd-" + LATER


LINE = AZURE + " splash=silent mitigations=auto security=selinux selinux=1 enforcing=1"
LINES: Dict[str, Tuple[str, ...]] = {
    "/etc/waagent.conf": PROVISIONS, "/etc/ssh/sshd_config.d/00-agentprep.conf": ("ClientAliveInterval 180",),
    "/etc/NetworkManager/system-connections/eth0.nmconnection": ("interface-name=eth0", "method=auto"),
    "/etc/udev/rules.d/68-azure-sriov-nm-unmanaged.rules": el.LINES[
        "/etc/udev/rules.d/68-azure-sriov-nm-unmanaged.rules"],
}  # fmt: skip
if not os.path.exists(ACTIVE):  # else this machine's kernel gives the files of the test a label
    LINES["/.autorelabel"] = ("-F",)
LINES.update({"/boot/efi/EFI/BOOT/grub.cfg": tuple(suse.STUB.split("\n")), "/boot/efi/EFI/BOOT/grub.efi": (GRUB,)})
EXPECTED = Expected(
    titles(STYLE, K, LINE), titles(STYLE, (LATER,), LINE, False), {"/boot/initrd-" + one: GENERIC for one in K}, HOST,
    lines=LINES, without={"/etc/fstab": r"\sswap\s"},
    same=("/usr/etc/sudoers", ESP + "grub.cfg", "/.snapshots/grub-snapshot.cfg"),
    links=dict({wants("waagent"): "/usr/lib/systemd/system/waagent.service"},
               **{"/boot/vmlinuz-" + one: "../usr/lib/modules/%s/vmlinuz" % one for one in K}),
    brought=tuple(AGENT) + (rpms.NDB,),

)  # fmt: skip
TREES: Tuple[Tree, ...] = (
    Tree("sles-16", sles16, COMMANDS, lambda root: started(root, CFG), install, EXPECTED,
         (("grub2-mkconfig", "-o", CFG),)),
)  # fmt: skip
