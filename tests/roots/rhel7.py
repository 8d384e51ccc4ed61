"""RHEL 7.9 and CentOS 7.9: GRUB 2 with entries in grub.cfg, dracut 033; on UEFI that file is the ESP's own.

Read: 10_linux and grub2-mkconfig of rhel-7.9 (rhboot/grub2); new-kernel-pkg and grubby --copy-default (rhboot/grubby).
"""

import re
from typing import Any, Callable, Dict, Optional, Tuple

from tests.roots import el, read, rpms, write
from tests.roots.el import RESCUE
from tests.roots.grub import Style, classic, made, started
from tests.roots.images import dracut
from tests.roots.pieces import BOOT, UPSTREAM, Files, Kernel, agent, fstab, loaders, programs, wants
from tests.roots.tree import AZURE, GENERIC, HOST, LVM, Expected, Tree
from tests.trees import Handler, To, make_tree

NAMES = ("Red Hat Enterprise Linux Server", "7.9", "Maipo")
STYLE = Style(
    NAMES[0], title=el.title(*NAMES), root="/dev/mapper/rhel-root", linux="linux16", prefix="",
    initrd="initramfs-%s.img", shell="sh", dropins=False, tool="grub2-mkconfig",
)  # fmt: skip
K = (Kernel("3.10.0-1160.el7.x86_64", suffix=".ko.xz"), Kernel("3.10.0-1160.119.1.el7.x86_64", suffix=".ko.xz"))
LATER = "3.10.0-9999.el7.x86_64"
AGENT = agent(UPSTREAM, python="/usr/bin/python")
PACKAGES = {"kernel": "3.10.0-1160.119.1.el7", "openssh_server": "7.4p1-23.el7_9", "NetworkManager": "1:1.18.8-2.el7_9",
            "dracut": "033-572.el7", "systemd": "219-78.el7_9.9"}  # fmt: skip


def guest(style: Style, names: Tuple[str, str, str], identity: str, with_agent: bool = True, like: str = "fedora",
          group: str = "rhel", kernels: Tuple[Kernel, ...] = K) -> Files:  # fmt: skip
    """The files of a guest on LVM, in the volume group `group`."""
    told = el.release(*((names[0], identity) + names[1:]), like=like)
    swap = "/dev/mapper/%s-swap" % group
    packages = dict(PACKAGES, **({"WALinuxAgent": "2.2.46-1.el7"} if with_agent else {}))
    found = el.base(told, "%s release %s (%s)" % names, kernels, "python2.7", rpms.listed(**packages))
    found.update(programs("/usr/bin/yum /usr/sbin/grub2-mkconfig /usr/sbin/new-kernel-pkg /usr/sbin/dhclient"))
    found.update(el.network_manager("ens3"))
    found.update(el.dracut(kernels, found, swap))
    found.update(el.defaults("crashkernel=auto rd.lvm.lv=%s/root rd.lvm.lv=%s/swap rhgb quiet" % (group, group)))
    found.update(AGENT if with_agent else {})
    found.update({
        "/usr/sbin/grub2-mkconfig": el.MKCONFIG, "/etc/grub.d/10_linux": el.LINUX,
        "/usr/bin/python": To("python2"), "/usr/bin/python2": To("python2.7"),
        "/etc/fstab": fstab(style.root, "xfs", "UUID=" + BOOT, swap=swap),
    })  # fmt: skip
    return found


BIOS, EFI = "/boot/grub2/grub.cfg", "/boot/efi/EFI/redhat/grub.cfg"


def rhel7_bios() -> Files:
    """Host-only images that wait for the swap that goes; no agent: yum installs it."""
    found = guest(STYLE, NAMES, "rhel", with_agent=False)
    found.update({"/boot/grub2/i386-pc/core.img": b"\0" * 512, "/etc/grub2.cfg": To("../boot/grub2/grub.cfg")})
    return made(found, STYLE, BIOS)


UEFI = STYLE._replace(linux="linuxefi")


def rhel7_uefi() -> Files:
    """The ESP's grub.cfg is the real one; a leftover in /boot/grub2 that nothing reads has other kernels."""
    found = guest(UEFI, NAMES, "rhel")
    found["/etc/fstab"] = fstab(STYLE.root, "xfs", "UUID=" + BOOT, True, "/dev/mapper/rhel-swap")
    made(found, UEFI, EFI)
    found.update(loaders("redhat", str(found[EFI]), fallback="BOOTX64.EFI fbx64.efi"))
    found[BIOS] = str(found[EFI]).replace(K[0].version, "3.10.0-957.el7.x86_64").replace("linuxefi", "linux16")
    found["/etc/grub2-efi.cfg"] = To("../boot/efi/EFI/redhat/grub.cfg")
    return found


CENTOS = ("CentOS Linux", "7", "Core")
CSTYLE = STYLE._replace(name="CentOS Linux", title=el.title(*CENTOS), root="/dev/mapper/centos-root")


def centos7() -> Files:
    """Plain, with a second drop-in of dracut whose list is broken by a module that no kernel has."""
    found = guest(CSTYLE, CENTOS, "centos", like="rhel fedora", group="centos")
    found["/etc/centos-release"] = "CentOS Linux release 7.9.2009 (Core)\n"
    found["/etc/dracut.conf.d/vmware.conf"] = 'add_drivers+=" vmw_pvscsi "\n'
    found["/boot/grub2/i386-pc/core.img"] = b"\0" * 512
    return made(found, CSTYLE, BIOS)


def installed(path: str, build: Handler, kernel: Kernel) -> Callable[[str], str]:
    """A later kernel: new-kernel-pkg has grubby copy the default entry, and dracut make a host-only image."""

    def install(root: str) -> str:
        make_tree(root, kernel.files(), minimal=False)
        image = "/boot/initramfs-%s.img" % kernel.version
        build(root, ("dracut", "-f", image, kernel.version))
        text = read(root, path).decode()
        first = re.search(r"(?ms)^menuentry .*?^}\n", text)
        assert first
        version = re.search(r"/vmlinuz-(\S+)", first.group())
        assert version
        new = first.group().replace(version.group(1), kernel.version)
        write(root, path, text.replace(first.group(), new + first.group(), 1).encode())
        return image

    return install


def expected(style: Style, keep: str, kernels: Tuple[Kernel, ...] = K, rescue: bool = True, **more: Any) -> Expected:
    """`keep` is what stays of the arguments."""
    line = "root=%s ro %s %s" % (style.root, keep, AZURE)
    images: Dict[str, Optional[str]] = {"/boot/initramfs-%s.img" % kernel.version: GENERIC for kernel in kernels}
    images.update({"/boot/initramfs-%s.img" % RESCUE: None} if rescue else {})
    versions = [kernel.version for kernel in kernels] + ([RESCUE] if rescue else [])
    entries, future = (el.titles(style, dict.fromkeys(one, line)) for one in (versions, [LATER]))
    more = dict({"lines": el.LINES, "without": {"/etc/fstab": r"\sswap\s"}, "verdicts": LVM, "later": HOST,
                 "links": {wants("waagent"): "/usr/lib/systemd/system/waagent.service"}}, **more)  # fmt: skip
    return Expected(entries, future, images, **more)


def row(name: str, files: Any, style: Style, path: str, told: Expected) -> Tree:
    build = dracut(33)
    commands: Dict[str, Handler] = {
        "dracut": build, "grub2-mkconfig": classic(style), "rpm": rpms.rpm,
        "yum": rpms.installs(lambda: AGENT, WALinuxAgent="2.2.46-1.el7", python_pyasn1="0.1.9-7.el7"),
    }  # fmt: skip
    later = Kernel(LATER, suffix=".ko.xz")
    remakes = (("grub2-mkconfig", "-o", path),)
    return Tree(name, files, commands, lambda root: started(root, path), installed(path, build, later), told, remakes)


# rd.lvm.lv of the swap that goes would leave a boot in the emergency shell (dracut #283).
TREES: Tuple[Tree, ...] = (
    row("rhel-7-bios", rhel7_bios, STYLE, BIOS,
        expected(STYLE, "rd.lvm.lv=rhel/root", brought=tuple(AGENT) + (rpms.OLD,))),
    row("rhel-7-uefi", rhel7_uefi, UEFI, EFI, expected(UEFI, "rd.lvm.lv=rhel/root")),
    row("centos-7", centos7, CSTYLE, BIOS, expected(CSTYLE, "rd.lvm.lv=centos/root")),
)  # fmt: skip
