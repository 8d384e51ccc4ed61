"""Alibaba Cloud Linux 3, which no row names: Red Hat's by its ID_LIKE, of release 8 by its PLATFORM_ID.

Read: os-release and /proc/cmdline of its cloud image, as users posted them.  Inferred: that its boot entries, grubby
and dracut are those of RHEL 8, and which swap file an owner made; versions of packages.
"""

from typing import Tuple

from tests.roots import elbls
from tests.roots.elbls import Release, expected, kernels, row
from tests.roots.grub import UUID
from tests.roots.pieces import LEAVES_IT, Files, cloud_init
from tests.roots.tree import Tree

CFG = "/boot/grub2/grub.cfg"
REST = (
    "biosdevname=0 net.ifnames=0 console=tty0 console=ttyS0,115200n8 noibrs nvme_core.io_timeout=4294967295 "
    "cryptomgr.notests rcupdate.rcu_cpu_stall_timeout=300"
)
MEMORY = "crashkernel=0M-2G:0M,2G-8G:192M,8G-128G:256M,128G-376G:384M,376G-:448M"
FENCE = "kfence.sample_interval=100 kfence.booting_max=0-2G:0,2G-32G:2M,32G-:32M preempt=none"
ALINUX = Release(
    ("Alibaba Cloud Linux", "3", "OpenAnolis Edition"), "alinux", "8", kernels("5.10.134-19.1.al8.x86_64"),
    "5.10.134-99.al8.x86_64", 49, "python3.6", root="UUID=" + UUID, volumes="", crash="", swap="", shared=True,
    cmdline=False, like="rhel fedora centos anolis",
    rest="rhgb quiet cgroup.memory=nokmem %s %s %s" % (MEMORY, FENCE, REST),
)  # fmt: skip


def alinux() -> Files:
    """Its VERSION_ID counts from its own beginning; arguments with colons and commas; a swap file."""
    found = elbls.guest(ALINUX, CFG)
    found["/usr/lib/os-release"] = str(found["/usr/lib/os-release"]) + 'PLATFORM_ID="platform:al8"\n'
    found.update(cloud_init(conf="datasource_list: [ AliYun ]\n"))
    found["/etc/fstab"] = str(found["/etc/fstab"]) + "/swapfile swap swap defaults 0 0\n"
    found.update({"/swapfile": b"\0" * 4096, "/boot/grub2/i386-pc/core.img": b"\0" * 512})
    return found


KEPT, AZURE = "cgroup.memory=nokmem %s %s" % (FENCE, REST), "earlyprintk=ttyS0,115200 rootdelay=300"
LINE = "root=UUID=%s ro %s %s" % (UUID, KEPT, AZURE)
TREES: Tuple[Tree, ...] = (
    row("like-rhel-8", alinux, ALINUX, CFG, expected(
        ALINUX, KEPT, LINE, AZURE, lines={"/etc/waagent.conf": LEAVES_IT},
        verdicts={"architecture": "warning", "certification": "warning"})),
)  # fmt: skip
