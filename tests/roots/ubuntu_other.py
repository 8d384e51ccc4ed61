"""Ubuntu on other paths: upstart (14.04), and dracut in place of initramfs-tools (25.10 and later).

Read: init(5) and start conditions of upstart jobs as in init/upstart.py's tests, udev's script that sleeps rootdelay=,
/usr/lib/dracut/dracut.conf.d of 25.04 with hostonly_mode=sloppy (as posted by a user).  Inferred: versions.
"""

from typing import Any, Dict, Tuple

from tests.roots.deb import (
    SUDOERS,
    base,
    dpkg,
    grub2,
    grub_menu,
    initramfs_tools,
    installed,
    later,
    ssh,
    titles,
    tools,
)
from tests.roots.debian_dracut import by_dracut, with_dracut
from tests.roots.grub import UUID, made
from tests.roots.images import dracut
from tests.roots.pieces import (
    LEAVES_IT,
    PROVISIONS,
    SWAP,
    UBUNTU,
    Files,
    Kernel,
    agent,
    cloud_init,
    fstab,
    links,
    programs,
    users,
)
from tests.roots.tree import AZURE, GENERIC, HELD, SHORT, Expected, Tree
from tests.roots.ubuntu import LATER, STYLE, netplan, release
from tests.trees import Handler, Program, To

R = "root=UUID=%s ro " % UUID
CFG = "/boot/grub/grub.cfg"

# -- 14.04 -----------------------------------------------------------------------------------------------------
K14 = (Kernel("3.13.0-170-generic", modules="/lib/modules"),)
S14 = STYLE._replace(recovery="recovery nomodeset")


def job(name: str, start: str, program: str) -> Files:
    return {"/etc/init/%s.conf" % name: 'description "%s"\nstart on %s\nstop on runlevel [!2345]\nexec %s\n'
            % (name, start, program)}  # fmt: skip


def ubuntu14() -> Files:
    """upstart: the agent is switched off by an override; udev's script sleeps rootdelay=; RESUME= by the installer."""
    found = links(merged=False)
    found.update(users(SUDOERS, "sudo"))
    found.update(programs("/sbin/init /sbin/initctl /usr/sbin/sshd /usr/bin/apt-get /usr/bin/dpkg /bin/sh"))
    found.update(programs("/usr/bin/python3.4 /usr/bin/python2.7 /sbin/ifup /sbin/ifquery /sbin/dhclient"))
    found.update(K14[0].files())
    found.update(grub2("quiet splash", "crashkernel=384M-:128M"))
    found.update(initramfs_tools(K14, "dep", "UUID=" + SWAP, "udev", folder="lib", records=True))
    found.update(job("rc-sysinit", "filesystem and static-network-up", "/etc/init.d/rcS"))
    found.update(job("rc", "runlevel [0123456]", "/etc/init.d/rc $RUNLEVEL"))
    found.update(job("ssh", "runlevel [2345]", "/usr/sbin/sshd -D"))
    found.update(job("walinuxagent", "filesystem", "/usr/sbin/waagent -daemon"))
    found.update(job("networking", "local-filesystems", "ifup -a"))
    found.update({
        "/etc/init/rc-sysinit.conf": "start on (filesystem and static-network-up)\nenv DEFAULT_RUNLEVEL=2\n",
        "/etc/init/walinuxagent.override": "manual\n", "/etc/init.d/networking": Program("#!/bin/sh -e\n"),
        "/etc/init.d/ssh": Program("#!/bin/sh\n### BEGIN INIT INFO\n# Provides: sshd\n### END INIT INFO\n"),
        "/etc/os-release": 'NAME="Ubuntu"\nVERSION="14.04.6 LTS, Trusty Tahr"\nID=ubuntu\nID_LIKE=debian\n'
        'PRETTY_NAME="Ubuntu 14.04.6 LTS"\nVERSION_ID="14.04"\n', "/usr/bin/python3": To("python3.4"),
        "/usr/bin/python": To("python2.7"), "/etc/waagent.conf": UBUNTU,
        "/usr/sbin/waagent": Program("#!/usr/bin/python3\n"),
        "/etc/ssh/sshd_config": "Port 22\nUsePAM yes\n",
        "/etc/network/interfaces": "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n",
        "/etc/fstab": fstab(swap="UUID=" + SWAP),
        "/var/lib/dpkg/status": dpkg(walinuxagent="2.2.45-0ubuntu1~14.04.1", openssh_server="1:6.6p1-2ubuntu2.13"),
    })  # fmt: skip
    return made(found, S14)


LAST = "recovery nomodeset " + SHORT
EXPECTED14 = Expected(
    titles(S14, [K14[0].version], R + SHORT + " splash $vt_handoff", R + LAST),
    later(S14, LATER, R + SHORT + " splash $vt_handoff", R + LAST), {"/boot/initrd.img-" + K14[0].version: HELD},
    lines={"/etc/waagent.conf": PROVISIONS, "/etc/ssh/sshd_config": ("ClientAliveInterval 180",)},
    without={"/etc/fstab": r"\sswap\s"}, gone=("/etc/init/walinuxagent.override",),
)  # fmt: skip

# -- 26.04 with dracut -----------------------------------------------------------------------------------------
K26 = (Kernel("7.0.0-12-generic", suffix=".ko.zst"),)


def ubuntu26() -> Files:
    """dracut makes initrd.img-VERSION; the distribution's drop-in has a number; cloud-init provisions."""
    found = base(release("26.04", "Resolute Raccoon"), K26, "python3.14")
    found.update(grub2("quiet splash"))
    with_dracut(found, K26, 109)
    found["/usr/lib/dracut/dracut.conf.d/90-ubuntu.conf"] = 'hostonly="yes"\nhostonly_mode="sloppy"\n'
    found.update(ssh())
    found.update(agent(UBUNTU, "walinuxagent"))
    found.update(cloud_init())
    found.update(netplan("network:\n  version: 2\n  ethernets:\n    enp1s0:\n      dhcp4: true\n"))
    found.update({"/etc/fstab": fstab(), "/var/lib/dpkg/status": dpkg(
        walinuxagent="2.15.0.1-0ubuntu1", openssh_server="1:10.2p1", cloud_init="26.1")})  # fmt: skip
    return made(found, STYLE)


NORMAL, OTHER = R + AZURE + " splash $vt_handoff", R + "recovery nomodeset " + AZURE
EXPECTED26 = Expected(
    titles(STYLE, [K26[0].version], NORMAL, OTHER), later(STYLE, LATER, NORMAL, OTHER),
    {"/boot/initrd.img-" + K26[0].version: GENERIC}, "dm_mod %s xfs" % HELD, lines={"/etc/waagent.conf": LEAVES_IT[:2]},
)  # fmt: skip

# -- generic and azure kernels under dracut --------------------------------------------------------------------
BUILTIN = "hv_vmbus hv_storvsc scsi_transport_fc scsi_mod sd_mod hid-hyperv hyperv-keyboard ext4 virtio_blk"
KTWO = (K26[0], Kernel("7.0.0-1004-azure", suffix=".ko.zst", builtin=BUILTIN))


def ubuntu26_two() -> Files:
    """linux-azure beside linux-generic: what is built into one is a module of the other."""
    found = ubuntu26()
    found.update(KTWO[1].files())
    return made(with_dracut(found, KTWO, 109), STYLE)


EXPECTED_TWO = Expected(
    titles(STYLE, [one.version for one in KTWO], NORMAL, OTHER), later(STYLE, LATER, NORMAL, OTHER),
    {"/boot/initrd.img-" + KTWO[1].version: "cdrom dm_mod hv_netvsc sr_mod xfs",
     "/boot/initrd.img-" + KTWO[0].version: GENERIC},
    "dm_mod %s xfs" % HELD, lines={"/etc/waagent.conf": LEAVES_IT[:2]},
)  # fmt: skip


def row(name: str, files: Any, told: Expected, **more: Any) -> Tree:
    commands: Dict[str, Handler] = {"dracut": dracut(109), "grub-mkconfig": tools(STYLE)["grub-mkconfig"]}
    install = by_dracut(Kernel(LATER, suffix=".ko.zst"), commands, CFG)
    return Tree("ubuntu-" + name, files, commands, grub_menu, install, told, **more)


T14 = tools(S14)
TREES: Tuple[Tree, ...] = (
    Tree("ubuntu-14.04-upstart", ubuntu14, T14, grub_menu, installed(Kernel(LATER, modules="/lib/modules"), T14),
         EXPECTED14),
    row("26.04-dracut", ubuntu26, EXPECTED26),
    row("26.04-azure-and-generic", ubuntu26_two, EXPECTED_TWO),
)  # fmt: skip
