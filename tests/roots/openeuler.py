"""openEuler 24.03 LTS: GRUB 2 whose menu is on the EFI system partition, dracut 059, dnf, ifcfg files.

Read: os-release, arguments and titles of entries as users posted them; kernel.spec of 6.6.0-64 (src-openEuler-Kernel,
d7a75128: modules are .ko.xz, new-kernel-pkg makes the image and the entry); that documents have grub2-mkconfig write
/boot/efi/EFI/openEuler/grub.cfg.  Inferred: versions of packages.
"""

from typing import Dict, Tuple

from tests.roots import el, rpms
from tests.roots.el import RESCUE
from tests.roots.grub import Style, classic, made, started
from tests.roots.images import dracut
from tests.roots.pieces import BOOT, LEAVES_IT, UPSTREAM, Files, Kernel, agent, cloud_init, fstab, loaders, programs
from tests.roots.rhel7 import installed
from tests.roots.tree import AZURE, GENERIC, HOST, LVM, Expected, Tree
from tests.trees import Handler, To

NAMES = ("openEuler", "24.03", "LTS")
STYLE = Style(
    NAMES[0], title=el.title(*NAMES), root="/dev/mapper/openeuler-root", linux="linuxefi", prefix="",
    initrd="initramfs-%s.img", dropins=False, tool="grub2-mkconfig",
)  # fmt: skip
K = tuple(Kernel(version, suffix=".ko.xz") for version in
          ("6.6.0-85.0.0.79.oe2403.x86_64", "6.6.0-28.0.0.34.oe2403.x86_64"))  # fmt: skip
LATER = K[0]._replace(version="6.6.0-145.0.3.131.oe2403.x86_64")
ESP = "/boot/efi/EFI/openEuler/"
CFG, SWAP = ESP + "grub.cfg", "/dev/mapper/openeuler-swap"
ARGUMENTS = "rd.lvm.lv=openeuler/root rd.lvm.lv=openeuler/swap cgroup_disable=files apparmor=0 crashkernel=512M"
RELEASE = (
    'NAME="openEuler"\nVERSION="24.03 (LTS)"\nID="openEuler"\nVERSION_ID="24.03"\n'
    'PRETTY_NAME="openEuler 24.03 (LTS)"\nANSI_COLOR="0;31"\n'
)
AGENT = agent(UPSTREAM)


def openeuler() -> Files:
    """No ID_LIKE; it was CentOS once, whose loader is still on the ESP; nothing there starts by itself; no agent."""
    listed = rpms.listed(kernel=K[0].version[:-7], openssh_server="9.6p1-1.oe2403", cloud_init="22.4.2-9.oe2403")
    found = el.base(RELEASE, "openEuler release 24.03 (LTS)", K, "python3.11", listed, database=rpms.NEW)
    found.update(programs("/usr/bin/dnf /usr/sbin/grub2-mkconfig /usr/sbin/grubby /usr/sbin/new-kernel-pkg"))
    found.update(el.network_manager("enp1s0"))
    found.update(el.dracut(K, found, SWAP))
    found.update(el.defaults("resume=%s %s rhgb quiet" % (SWAP, ARGUMENTS)))
    found.update(cloud_init())
    found.update({
        "/etc/openEuler-release": "openEuler release 24.03 (LTS)\n", "/usr/bin/python3": To("python3.11"),
        "/usr/sbin/grub2-mkconfig": el.MKCONFIG, "/etc/grub.d/10_linux": el.LINUX, "/etc/grub2-efi.cfg": To(CFG),
        "/etc/fstab": fstab(STYLE.root, "ext4", "UUID=" + BOOT, True, SWAP),
    })  # fmt: skip
    made(found, STYLE, CFG)
    found.update(loaders("openEuler", str(found[CFG])))
    found.update(loaders("centos", "# left over\n"))
    return found


LINE = "root=%s ro rd.lvm.lv=openeuler/root cgroup_disable=files apparmor=0 %s" % (STYLE.root, AZURE)
COMMANDS: Dict[str, Handler] = {
    "dracut": dracut(59), "grub2-mkconfig": classic(STYLE), "rpm": rpms.rpm,
    "dnf": rpms.installs(lambda: AGENT, WALinuxAgent="2.9.0.4-2.oe2403"),
}  # fmt: skip
EXPECTED = Expected(
    el.titles(STYLE, dict.fromkeys([one.version for one in K] + [RESCUE], LINE)),
    el.titles(STYLE, {LATER.version: LINE}),
    dict({"/boot/initramfs-%s.img" % one.version: GENERIC for one in K}, **{"/boot/initramfs-%s.img" % RESCUE: None}),
    HOST,
    verdicts=LVM,
    lines={"/etc/waagent.conf": LEAVES_IT, "/boot/efi/EFI/BOOT/grub.cfg": ("set prefix=($root)/EFI/openEuler",)},
    without={"/etc/fstab": r"\sswap\s"},
    brought=tuple(AGENT) + (rpms.NEW,),
)
TREES: Tuple[Tree, ...] = (
    Tree("openeuler-24.03", openeuler, COMMANDS, lambda root: started(root, CFG),
         installed(CFG, COMMANDS["dracut"], LATER), EXPECTED, (("grub2-mkconfig", "-o", CFG),)),
)  # fmt: skip
