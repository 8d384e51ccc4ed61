"""SLES 11 SP4: GRUB Legacy as YaST writes it, SysV scripts with insserv, SUSE's own mkinitrd with INITRD_MODULES.

Read: menu.lst as users posted it, perl-Bootloader 0.4.89 (openSUSE/perl-bootloader: a later kernel's entry is a copy of
the newest of its flavour), mkinitrd 2.4.2 (openSUSE/mkinitrd), insserv's notes.  Inferred: versions of packages.
"""

import os
import re
import subprocess
from typing import Any, Dict, Tuple

from agentprep.formats.modules import resolve
from tests.boot.legacy import stage2
from tests.roots import read, rpms, write
from tests.roots.images import host_image, pack
from tests.roots.pieces import OLD_CONF, PROVISIONS_OLD, SWAP, UUID, Files, Kernel, fstab, links, programs, users
from tests.roots.suse import SSHD, SUDOERS
from tests.roots.tree import AZURE, Expected, Tree
from tests.trees import Handler, Program, To, make_tree

K = (Kernel("3.0.101-108.35-default", modules="/lib/modules", lacking="xfs hyperv-keyboard"),)
BY_UUID = "root=/dev/disk/by-uuid/" + UUID
NORMAL = "resume=/dev/disk/by-uuid/%s splash=silent crashkernel=256M-:128M showopts" % SWAP
FAILSAFE = (
    "showopts ide=nodma apm=off noresume edd=off powersaved=off nohz=off highres=off processor.max_cstate=1 "
    "nomodeset x11failsafe"
)
NAME = "SUSE Linux Enterprise Server 11 SP4 - "
MENU = "/boot/grub/menu.lst"
HEAD = """# Modified by YaST2. Last modification on Mon Aug 17 10:11:12 UTC 2015
# THIS FILE WILL BE PARTIALLY OVERWRITTEN by perl-Bootloader
# Configure custom boot parameters for updated kernels in /etc/sysconfig/bootloader

default 0
timeout 8
##YaST - generic_mbr
gfxmenu (hd0,1)/boot/message
##YaST - activate

"""
ENTRY = """###Don't change this comment - YaST2 identifier: Original name: %s###
title %s%s
    root (hd0,1)
    kernel /boot/vmlinuz-%s %s %s vga=0x317
    initrd /boot/initrd-%s

"""


def script(name: str, number: str, on: bool = True, needs: str = "$network $remote_fs") -> Files:
    """A script with its LSB header; with `on` also the links that insserv made of it."""
    text = (
        "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: %s\n# Required-Start: %s\n# Required-Stop: %s\n"
        "# Default-Start: 3 5\n# Default-Stop: 0 1 2 6\n# Short-Description: %s\n### END INIT INFO\n"
        % (name, needs, needs, name)
    )
    found: Files = {"/etc/init.d/" + name: Program(text)}
    for level in "35" if on else "":
        found["/etc/init.d/rc%s.d/S%s%s" % (level, number, name)] = To("../" + name)
        found["/etc/init.d/rc%s.d/K%02d%s" % (level, 13 - int(number), name)] = To("../" + name)
    return found


def sles11() -> Files:
    """A failsafe entry, a Xen entry with module lines, both symlinks, INITRD_MODULES of a KVM machine."""
    version = K[0].version
    found = links(merged=False)
    found.update(users(SUDOERS))
    found.update(programs("/sbin/init /sbin/insserv /bin/bash /bin/sh /bin/rpm /usr/bin/zypper /usr/sbin/sshd"))
    found.update(programs("/usr/bin/python2.6 /sbin/dhcpcd"))
    for name, number, needs in (("network", "05", "$local_fs"), ("sshd", "08", "$network $remote_fs")):
        found.update(script(name, number, needs=needs))
    found.update(script("waagent", "09", on=False, needs="$network sshd"))
    for level in range(7):
        found["/etc/init.d/rc%d.d/.keep" % level] = ""
    found.update(K[0].files())
    xen = ENTRY.replace("kernel /boot", "kernel /boot/xen.gz vga=mode-0x317\n    module /boot").replace(
        "initrd /boot", "module /boot")  # fmt: skip
    text = HEAD + ENTRY % ("linux", NAME, "3.0.101-108.35", version, BY_UUID, NORMAL, version)
    text += ENTRY % ("failsafe", "Failsafe -- " + NAME, "3.0.101-108.35", version, BY_UUID, FAILSAFE, version)
    other = version.replace("default", "xen")
    text += xen % ("xen", "Xen -- " + NAME, "3.0.101-108.35", other, BY_UUID, NORMAL, other)
    found.update({
        MENU: text, "/boot/grub/stage2": stage2("menu.lst"), "/boot/grub/stage1": b"\0" * 512,
        "/etc/grub.conf": "setup --stage2=/boot/grub/stage2 (hd0,1) (hd0,1)\nquit\n",
        "/boot/xen.gz": b"xen", "/boot/vmlinuz-3.0.101-108.35-xen": b"MZ xen",
        "/boot/initrd-" + version: host_image(list(found), version, names="virtio_blk"),
        "/boot/vmlinuz": To("vmlinuz-" + version), "/boot/initrd": To("initrd-" + version),
        "/etc/SuSE-release": "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n",
        "/etc/inittab": "id:3:initdefault:\nsi::bootwait:/etc/init.d/boot\n", "/usr/bin/python": To("python2.6"),
        "/etc/sysconfig/kernel": 'INITRD_MODULES="virtio_blk ext4"\nDOMU_INITRD_MODULES="xennet xenblk"\n',
        "/etc/sysconfig/bootloader": 'LOADER_TYPE="grub"\nDEFAULT_APPEND="%s"\nFAILSAFE_APPEND="%s"\n'
        % (NORMAL, FAILSAFE),
        "/sbin/mkinitrd": Program("#!/bin/bash\n# mkinitrd 2.4.2\nINITRD_PATH=/lib/mkinitrd\n"),
        "/lib/mkinitrd/scripts/setup-modules.sh": "#!/bin/bash\n", "/etc/ssh/sshd_config": SSHD,
        "/etc/ssh/ssh_host_rsa_key": "secret\n", "/etc/fstab": fstab("/dev/disk/by-uuid/" + UUID, "ext3",
                                                                     swap="/dev/disk/by-uuid/" + SWAP),
        "/etc/sysconfig/network/ifcfg-eth0": "BOOTPROTO='dhcp'\nSTARTMODE='auto'\nNAME='82540EM'\n",
        "/etc/sysconfig/network/dhcp": 'DHCLIENT_SET_HOSTNAME="yes"\nDHCLIENT_WAIT_AT_BOOT="15"\n',
        "/etc/udev/rules.d/70-persistent-net.rules": 'SUBSYSTEM=="net", ATTR{address}=="52:54:00:12:34:56", '
        'NAME="eth0"\n', "/lib/udev/rules.d/75-persistent-net-generator.rules": "# by udev\n",
        "/etc/waagent.conf": OLD_CONF, "/usr/sbin/waagent": Program("#!/usr/bin/python\n"),
        "/etc/zypp/repos.d/pool.repo": "[pool]\nenabled=1\n",
        rpms.OLD: rpms.listed(WALinuxAgent="2.0.18-1", openssh="6.6p1-36.3.1", kernel_default="3.0.101-108.35.1"),
    })  # fmt: skip
    return found


# -- mkinitrd, the menu, and a later kernel --------------------------------------------------------------------
def mkinitrd(root: str, argv: Tuple[str, ...]) -> Any:
    """`mkinitrd -B -k "KERNELS" -i "IMAGES"`: INITRD_MODULES by a real shell; a module that is missing is a warning."""
    words = dict(zip(argv[2::2], argv[3::2]))
    assert argv[1] == "-B" and set(words) == {"-k", "-i"}, argv
    run = ["sh", "-c", '. "$1/etc/sysconfig/kernel"; printf %s "$INITRD_MODULES"', "sh", root]
    names = subprocess.run(run, stdout=subprocess.PIPE, check=True).stdout.decode().split()
    said = ""
    for kernel, image in zip(words["-k"].split(), words["-i"].split()):
        version = os.path.basename(kernel).split("-", 1)[1]
        dep = read(root, "/lib/modules/%s/modules.dep" % version)
        there = [name for name in names if resolve([name], dep).modules]
        said += "".join("WARNING: no dependencies for kernel module '%s' found.\n" % name
                        for name in names if name not in there)  # fmt: skip
        pack(root, image, version, there, top="lib")
    return 0, said


def menu(root: str) -> Dict[str, str]:
    text = read(root, MENU).decode()
    found = re.findall(r"(?m)^title (.*)\n    root .*\n    kernel /boot/vmlinuz-\S+ (.*)$", text)
    return {title: " ".join(line.split()) for title, line in found}


LATER = "3.0.101-999-default"


def install(root: str) -> str:
    """mkinitrd for the new kernel, and perl-Bootloader's copy of the newest entry in front."""
    make_tree(root, K[0]._replace(version=LATER).files(), minimal=False)
    mkinitrd(root, ("mkinitrd", "-B", "-k", "/boot/vmlinuz-" + LATER, "-i", "/boot/initrd-" + LATER))
    text = read(root, MENU).decode()
    first = re.search(r"(?ms)^###Don't.*?\n\n", text)
    assert first
    new = first.group().replace(K[0].version, LATER).replace("3.0.101-108.35\n", "3.0.101-999\n")
    write(root, MENU, text.replace(first.group(), new + first.group(), 1).encode())
    return "/boot/initrd-" + LATER


HELD = "ext4 hid_hyperv hv_netvsc hv_storvsc hv_vmbus scsi_mod scsi_transport_fc sd_mod virtio_blk"
LINE = "%s splash=silent showopts vga=0x317 %s" % (BY_UUID, AZURE)
SAFE = "%s %s vga=0x317 %s" % (BY_UUID, FAILSAFE, AZURE)
EXPECTED = Expected(
    {NAME + "3.0.101-108.35": LINE, "Failsafe -- " + NAME + "3.0.101-108.35": SAFE}, {NAME + "3.0.101-999": LINE},
    {"/boot/initrd-" + K[0].version: HELD},
    lines={"/etc/waagent.conf": PROVISIONS_OLD, "/etc/ssh/sshd_config": ("ClientAliveInterval 180",),
           "/etc/sysconfig/network/dhcp": ('DHCLIENT_SET_HOSTNAME="no"',)},
    without={"/etc/fstab": r"\sswap\s", "/etc/sudoers": r"(?m)^Defaults\s+targetpw",
             "/etc/sysconfig/bootloader": "crashkernel|resume="},
    links={"/etc/udev/rules.d/75-persistent-net-generator.rules": "/dev/null"},
    gone=("/etc/udev/rules.d/70-persistent-net.rules",), same=("/boot/grub/stage2", "/etc/grub.conf"),
)  # fmt: skip
COMMANDS: Dict[str, Handler] = {"mkinitrd": mkinitrd, "rpm": rpms.rpm}
TREES: Tuple[Tree, ...] = (Tree("sles-11", sles11, COMMANDS, menu, install, EXPECTED),)
