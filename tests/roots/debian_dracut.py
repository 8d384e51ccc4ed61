"""Debian with dracut (13), and with a menu of BLS entries (testing).

Read: /etc/kernel/postinst.d/dracut.  The layout of testing is one that the real GRUB 2.14 can read (blscfg), made by
hand, with grub-mkconfig as RHEL 9.3 has it.
"""

from typing import Callable, Dict, Tuple

from tests.roots import el, read, write
from tests.roots.deb import base, grub2, grub_menu, ifupdown, later, ssh, titles, tools
from tests.roots.debian import STYLE, release
from tests.roots.debian_boot import LATER, MACHINE, R, status
from tests.roots.grub import BLSCFG, FOOTER, HEADER, bls, made, started, stub
from tests.roots.images import VERSION, dracut, host_image
from tests.roots.pieces import PROVISIONS, UPSTREAM, Files, Kernel, agent, fstab, loaders, programs
from tests.roots.tree import AZURE, GENERIC, HELD, Expected, Tree
from tests.trees import Handler, Program, make_tree

# -- 13 with dracut --------------------------------------------------------------------------------------------
K13 = (Kernel("6.12.38+deb13-amd64", suffix=".ko.xz"),)


def with_dracut(found: Files, kernels: Tuple[Kernel, ...], number: int) -> Files:
    found.update(programs("/usr/bin/dracut"))
    found.update({"/etc/dracut.conf": "", "/etc/dracut.conf.d/.keep": "",
                  "/usr/lib/dracut/dracut.conf.d/10-debian.conf": 'do_prelink="no"\nhostonly="yes"\n',
                  "/etc/kernel/postinst.d/dracut": Program("#!/bin/sh\n"),
                  VERSION: "DRACUT_VERSION=%d\n" % number})  # fmt: skip
    for kernel in kernels:
        found["/boot/initrd.img-" + kernel.version] = host_image(list(found), kernel.version, names="virtio_blk ext4")
    return found


def debian13_dracut() -> Files:
    """initramfs-tools was replaced and left its configuration; images have Debian's name."""
    found = base(release("13", "trixie"), K13, "python3.13")
    found.update(grub2("quiet"))
    with_dracut(found, K13, 106)
    found.update(ifupdown("enp1s0"))
    found.update(ssh())
    found.update(agent(UPSTREAM, "walinuxagent"))
    found.update({
        "/etc/initramfs-tools/initramfs.conf": "MODULES=most\n", "/etc/fstab": fstab(),
        "/var/lib/dpkg/status": status("2.12.0.2-1"),
    })  # fmt: skip
    return made(found, STYLE)


BUILD = dracut(106)


def by_dracut(kernel: Kernel, commands: Dict[str, Handler], menu: str) -> Callable[[str], str]:
    def install(root: str) -> str:
        make_tree(root, kernel.files(), minimal=False)
        image = "/boot/initrd.img-" + kernel.version
        BUILD(root, ("dracut", "-q", "--force", image, kernel.version))
        commands["grub-mkconfig"](root, ("grub-mkconfig", "-o", menu))
        return image

    return install


DRACUT_TOOLS: Dict[str, Handler] = {"dracut": BUILD, "grub-mkconfig": tools(STYLE)["grub-mkconfig"]}
HOSTED = "dm_mod %s xfs" % HELD
EXPECTED13 = Expected(
    titles(STYLE, [K13[0].version], R + AZURE, R + "single " + AZURE),
    later(STYLE, LATER, R + AZURE, R + "single " + AZURE),
    {"/boot/initrd.img-" + K13[0].version: GENERIC}, HOSTED, lines={"/etc/waagent.conf": PROVISIONS},
    same=("/etc/initramfs-tools/initramfs.conf",),
)  # fmt: skip

# -- testing, with a menu of BLS entries -----------------------------------------------------------------------
KT = (Kernel("6.17.7+deb14-amd64", suffix=".ko.xz", builtin="hv_vmbus"),)
BSTYLE = STYLE._replace(title="Debian GNU/Linux forky/sid (%(version)s)", prefix="/boot")
ENTRIES = "/boot/loader/entries"
CFG = "/boot/grub/grub.cfg"


def bls_entry(version: str, options: str) -> str:
    title = BSTYLE.title % {"version": version}
    return "title %s\nversion %s\nlinux /boot/vmlinuz-%s\ninitrd /boot/initrd.img-%s\noptions %s\n" % (
        title, version, version, version, options,
    )  # fmt: skip


def testing() -> Files:
    """hv_vmbus is built in, dracut 112 builds, and the options are in the entry and in /etc/kernel/cmdline."""
    told = 'PRETTY_NAME="Debian GNU/Linux forky/sid"\nNAME="Debian GNU/Linux"\nVERSION_CODENAME=forky\nID=debian\n'
    found = base(told, KT, "python3.13")
    found.update(grub2("quiet"))
    with_dracut(found, KT, 112)
    found.update(ifupdown("enp1s0"))
    found.update(ssh())
    found.update(agent(UPSTREAM, "walinuxagent"))
    found.update(loaders("debian", stub("/boot/grub", style="debian"), fallback="BOOTX64.EFI grubx64.efi"))
    found.update({
        "/etc/fstab": fstab(efi=True), "/var/lib/dpkg/status": status("2.15.0.1-1"),
        "/etc/default/grub": str(found["/etc/default/grub"]) + "GRUB_ENABLE_BLSCFG=true\n",
        "/usr/sbin/grub-mkconfig": el.MKCONFIG_93, "/etc/grub.d/10_linux": el.LINUX_BLS,
        CFG: HEADER % "grub-mkconfig" + BLSCFG % (R + "quiet") + FOOTER,
        "/etc/kernel/cmdline": R + "quiet\n", "/usr/bin/kernel-install": Program("#!/bin/sh\n"),
        "/usr/lib/kernel/install.d/90-loaderentry.install": Program("#!/bin/sh\n# /etc/kernel/cmdline\n"),
        "%s/%s-%s.conf" % (ENTRIES, MACHINE, KT[0].version): bls_entry(KT[0].version, R + "quiet"),
    })  # fmt: skip
    return found


def install_bls(root: str) -> str:
    make_tree(root, KT[0]._replace(version=LATER).files(), minimal=False)
    image = "/boot/initrd.img-" + LATER
    dracut(112)(root, ("dracut", "-f", image, LATER))
    text = bls_entry(LATER, " ".join(read(root, "/etc/kernel/cmdline").decode().split()))
    write(root, "%s/%s-%s.conf" % (ENTRIES, MACHINE, LATER), text.encode())
    return image


BUILT = GENERIC.replace("hv_vmbus ", "")
EXPECTED_TESTING = Expected(
    {BSTYLE.title % {"version": KT[0].version}: R + AZURE}, {BSTYLE.title % {"version": LATER}: R + AZURE},
    {"/boot/initrd.img-" + KT[0].version: BUILT}, HOSTED.replace("hv_vmbus ", ""),
    lines={"/etc/waagent.conf": PROVISIONS, "/etc/kernel/cmdline": (R + AZURE,)},
    same=("/boot/efi/EFI/debian/grub.cfg",),
)  # fmt: skip


TREES: Tuple[Tree, ...] = (
    Tree("debian-13-dracut", debian13_dracut, DRACUT_TOOLS, grub_menu,
         by_dracut(Kernel(LATER, suffix=".ko.xz"), DRACUT_TOOLS, CFG), EXPECTED13),
    Tree("debian-testing-bls", testing, {"dracut": dracut(112), "grub-mkconfig": bls(BSTYLE, "9.3")},
         lambda root: started(root, CFG), install_bls, EXPECTED_TESTING,
         (("grub-mkconfig", "-o", CFG), ("grub-mkconfig", "-o", CFG, "--update-bls-cmdline"))),
)  # fmt: skip
