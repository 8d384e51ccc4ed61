"""Debian on other boot loaders: GRUB Legacy (9), systemd-boot (12); and two that are refused.

Read: update-grub of grub-legacy 0.97-80 (its menu is in tests/boot/debian-menu.lst), kernel-install's plugins of
systemd 252 and Debian's hook in post-update.d.
"""

import os
import re
import tempfile
from typing import Any, Dict, Tuple

from tests.boot.legacy import DEBIAN_MENU, stage2
from tests.boot.partitions import SYSTEMD_BOOT
from tests.formats.programs import program
from tests.roots import mkinitramfs, read, write
from tests.roots.deb import base, dpkg, ifupdown, initramfs_tools, ssh
from tests.roots.debian import release
from tests.roots.grub import UUID
from tests.roots.pieces import PROVISIONS, SWAP, UPSTREAM, Files, Kernel, agent, fstab, programs
from tests.roots.tree import HELD, SHORT, Expected, Tree
from tests.trees import Handler, Program, make_tree

R = "root=UUID=%s ro " % UUID
LATER = "9.9.0-1-amd64"
MACHINE = "0123456789abcdef0123456789abcdef"


def status(version: str) -> str:
    return dpkg(waagent=version, openssh_server="1:9.2p1-2+deb12u6")


# -- 9 with GRUB Legacy ----------------------------------------------------------------------------------------
K9 = (Kernel("4.9.0-19-amd64", modules="/lib/modules"), Kernel("4.9.0-18-amd64", modules="/lib/modules"))
MENU = "/boot/grub/menu.lst"
TITLE = "Debian GNU/Linux, kernel "


def update_grub(root: str) -> None:
    """The entries between the marks are made anew of kopt, defoptions and altoptions."""
    text = read(root, MENU).decode()
    told = {name: found.group(1) for name in ("kopt", "defoptions") for found in
            [re.search(r"(?m)^# %s=(.*)$" % name, text)] if found}  # fmt: skip
    names = sorted((name[8:] for name in os.listdir(root + "/boot") if name.startswith("vmlinuz-")), reverse=True)
    out = ""
    for name in names:
        for title, more in ((TITLE + name, told["defoptions"]), (TITLE + name + " (single-user mode)", "single")):
            line = "/boot/vmlinuz-%s %s %s" % (name, told["kopt"], more)
            out += "title\t\t%s\nroot\t\t(hd0,0)\nkernel\t\t%s\ninitrd\t\t/boot/initrd.img-%s\n\n" % (title, line, name)
    head, rest = text.split("## ## End Default Options ##\n", 1)
    tail = rest[rest.index("### END DEBIAN AUTOMAGIC") :]
    write(root, MENU, (head + "## ## End Default Options ##\n\n" + out + tail).encode())


def debian9() -> Files:
    """Debian's comments decide what a later kernel gets; a grub.cfg is left over from a GRUB 2 that was removed."""
    found = base(release("9", "stretch"), K9, "python3.5", merged=False)
    found.update(initramfs_tools(K9, "dep", "UUID=" + SWAP, folder="lib", records=True))
    found.update(ifupdown("ens3", "/lib/systemd/system"))
    found.update(ssh("/lib/systemd/system", include=False))
    found.update(agent(UPSTREAM, "walinuxagent", folder="/lib/systemd/system"))
    text = DEBIAN_MENU.replace("# defoptions=quiet", "# defoptions=quiet vga=791")
    text = text.replace("UUID=6f2a1c70-7a55-4f0a-93d1-2b8d3d9d8f11 ro\n", "UUID=%s ro resume=UUID=%s\n" % (UUID, SWAP))
    found.update({
        MENU: text, "/boot/grub/stage2": stage2("menu.lst"), "/boot/grub/stage1": b"\0" * 512,
        "/usr/sbin/update-grub": Program("#!/bin/bash\n# ### BEGIN AUTOMAGIC KERNELS LIST\n"),
        "/boot/grub/grub.cfg.old": "# left over\n", "/etc/fstab": fstab(swap="UUID=" + SWAP),
        "/var/lib/dpkg/status": status("2.2.18-3~deb9u2"),
    })  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        wanted = {path: one for path, one in found.items() if path.startswith("/boot/")}
        root = make_tree(folder, wanted, minimal=False)
        update_grub(root)
        found[MENU] = read(root, MENU).decode()
    return found


def legacy_menu(root: str) -> Dict[str, str]:
    text = read(root, MENU).decode()
    return dict(re.findall(r"(?m)^title\t\t(.*)\n(?:.*\n)??kernel\t\t\S+ (.*)$", text))


def install9(root: str) -> str:
    make_tree(root, Kernel(LATER, modules="/lib/modules").files(), minimal=False)
    mkinitramfs(root, ("mkinitramfs", "-o", "/boot/initrd.img-" + LATER, LATER))
    update_grub(root)
    return "/boot/initrd.img-" + LATER


def legacy(normal: str, single: str, *versions: str) -> Dict[str, str]:
    found = {}
    for version in versions:
        found[TITLE + version] = R + normal
        found[TITLE + version + " (single-user mode)"] = R + single
    return found


ONE, TWO = (kernel.version for kernel in K9)
EXPECTED9 = Expected(
    legacy("vga=791 " + SHORT, "single " + SHORT, ONE, TWO), legacy(SHORT + " vga=791", SHORT + " single", LATER),
    dict.fromkeys(["/boot/initrd.img-" + ONE, "/boot/initrd.img-" + TWO], HELD),
    lines={"/etc/ssh/sshd_config": ("ClientAliveInterval 180",), "/etc/waagent.conf": PROVISIONS[1:]},
    without={"/etc/fstab": "swap"}, same=("/boot/grub/stage2",),
)  # fmt: skip

# -- 12 with systemd-boot --------------------------------------------------------------------------------------
KBOOT = (Kernel("6.1.0-37-amd64"), Kernel("6.1.0-35-amd64"))
ESP = "/boot/efi"
HOOK = "/etc/initramfs/post-update.d/systemd-boot"


def entry(version: str, options: str) -> str:
    """What 90-loaderentry.install of systemd 252 writes."""
    return (
        "# Boot Loader Specification type#1 entry\ntitle      Debian GNU/Linux 12 (bookworm)\nversion    %s\n"
        "machine-id %s\nsort-key   debian\noptions    %s systemd.machine_id=%s\nlinux      /%s/%s/linux\n"
        "initrd     /%s/%s/initrd.img-%s\n"
        % (version, MACHINE, options, MACHINE, MACHINE, version, MACHINE, version, version)
    )  # fmt: skip


def path_of(version: str) -> str:
    return "%s/loader/entries/%s-%s.conf" % (ESP, MACHINE, version)


def image_of(version: str) -> str:
    return "%s/%s/%s/initrd.img-%s" % (ESP, MACHINE, version, version)


def kernel_install(root: str, version: str) -> None:
    """`kernel-install add VERSION /boot/vmlinuz-VERSION`: copies to the ESP, and an entry from /etc/kernel/cmdline."""
    make_tree(root, {
        image_of(version): read(root, "/boot/initrd.img-" + version),
        "%s/%s/%s/linux" % (ESP, MACHINE, version): read(root, "/boot/vmlinuz-" + version),
        path_of(version): entry(version, " ".join(read(root, "/etc/kernel/cmdline").decode().split())),
    }, minimal=False)  # fmt: skip


def run_parts(root: str, argv: Tuple[str, ...]) -> int:
    """`run-parts --arg=VERSION --arg=IMAGE /etc/initramfs/post-update.d`: the hook runs kernel-install."""
    assert argv[-1] == os.path.dirname(HOOK) and len(argv) == 4, argv
    kernel_install(root, argv[1].split("=", 1)[1])
    return 0


def copy(root: str, argv: Tuple[str, ...]) -> int:
    assert argv[:2] == ("cp", "--") and len(argv) == 4, argv
    write(root, argv[3], read(root, argv[2]))
    return 0


def debian12_boot() -> Files:
    """Images are copies on the ESP, which a hook brings back from /boot; a GRUB was removed and left its defaults."""
    found = base(release("12", "bookworm"), KBOOT, "python3.11")
    found.update(initramfs_tools(KBOOT, "dep"))
    found.update(ifupdown("enp1s0"))
    found.update(ssh())
    found.update(agent(UPSTREAM, "walinuxagent"))
    found.update(programs("/usr/bin/kernel-install /usr/bin/bootctl"))
    found.update({
        "/usr/lib/kernel/install.d/55-initrd.install": Program("#!/bin/sh\n"),
        "/usr/lib/kernel/install.d/90-loaderentry.install": Program("#!/bin/sh\n# /etc/kernel/cmdline\n"),
        HOOK: Program("#!/bin/sh\nkernel-install add \"$1\" \"/boot/vmlinuz-$1\"\n"),
        ESP + "/EFI/systemd/systemd-bootx64.efi": SYSTEMD_BOOT, ESP + "/EFI/BOOT/BOOTX64.EFI": SYSTEMD_BOOT,
        ESP + "/loader/loader.conf": "#timeout 3\n", "/etc/kernel/cmdline": R + "quiet splash\n",
        "/etc/default/grub": "GRUB_CMDLINE_LINUX=\"never read\"\n", "/etc/fstab": fstab(efi=True),
        "/var/lib/dpkg/status": status("2.9.1.1-2+deb12u1"),
    })  # fmt: skip
    for kernel in KBOOT:
        found[path_of(kernel.version)] = entry(kernel.version, R + "quiet splash")
        found["%s/%s/%s/linux" % (ESP, MACHINE, kernel.version)] = found["/boot/vmlinuz-" + kernel.version]
        found[image_of(kernel.version)] = found["/boot/initrd.img-" + kernel.version]
    return found


def by_version(root: str) -> Dict[str, str]:
    folder = ESP + "/loader/entries/"
    found = {}
    for name in sorted(os.listdir(root + folder)):
        text = read(root, folder + name).decode()
        lines = re.findall(r"(?m)^options\s+(.*)$", text)
        found[name[len(MACHINE) + 1 : -5]] = " ".join(" ".join(lines).split())
    return found


def install_boot(root: str) -> str:
    make_tree(root, Kernel(LATER).files(), minimal=False)
    mkinitramfs(root, ("mkinitramfs", "-o", "/boot/initrd.img-" + LATER, LATER))
    kernel_install(root, LATER)
    return image_of(LATER)


LINE = R + "splash " + SHORT + " systemd.machine_id=" + MACHINE
BOOTED = [kernel.version for kernel in KBOOT]
EXPECTED_BOOT = Expected(
    dict.fromkeys(BOOTED, LINE), {LATER: LINE},
    dict.fromkeys([image_of(one) for one in BOOTED] + ["/boot/initrd.img-" + one for one in BOOTED], HELD),
    lines={"/etc/waagent.conf": PROVISIONS, "/etc/kernel/cmdline": (R + "splash " + SHORT,)},
    same=("/etc/default/grub", ESP + "/EFI/BOOT/BOOTX64.EFI"),
)  # fmt: skip

K12 = (Kernel("6.1.0-37-amd64"),)


# -- what is refused -------------------------------------------------------------------------------------------
def extlinux() -> Files:
    """extlinux boots, and a menu.lst is left over that nothing reads."""
    found = base(release("12", "bookworm"), K12, "python3.11")
    found.update(initramfs_tools(K12))
    found.update(ifupdown("ens3"))
    found.update(ssh())
    found.update(agent(UPSTREAM, "walinuxagent"))
    version = K12[0].version
    found.update({
        "/boot/extlinux/extlinux.conf": "default l0\nlabel l0\n\tlinux /boot/vmlinuz-%s\n\tappend "
        "initrd=/boot/initrd.img-%s %squiet\n" % (version, version, R), "/boot/extlinux/ldlinux.sys": b"\0" * 512,
        "/boot/grub/menu.lst": "title old\nkernel /boot/vmlinuz-4.9.0-1-amd64 root=/dev/sda1\n",
        "/etc/fstab": fstab(), "/var/lib/dpkg/status": status("2.9.1.1-2"),
    })  # fmt: skip
    return found


def unified() -> Files:
    """A unified kernel image: arguments and initrd are inside it."""
    found = debian12_boot()
    for path in [one for one in found if one.startswith(ESP + "/loader/entries/")]:
        del found[path]
    for kernel in KBOOT:
        found["%s/EFI/Linux/%s-%s.efi" % (ESP, MACHINE, kernel.version)] = program({
            ".linux": b"MZ", ".initrd": b"\0", ".uname": kernel.version.encode(), ".cmdline": (R + "quiet").encode(),
        })  # fmt: skip
    found["/etc/kernel/install.conf"] = "layout=uki\n"
    return found


def nothing(root: str) -> Any:
    raise AssertionError("no kernel is installed in a guest that is refused")


BOOT_TOOLS: Dict[str, Handler] = {"mkinitramfs": mkinitramfs, "run-parts": run_parts, "cp": copy}
TREES: Tuple[Tree, ...] = (
    Tree("debian-9-legacy", debian9, {"mkinitramfs": mkinitramfs}, legacy_menu, install9, EXPECTED9),
    Tree("debian-12-systemd-boot", debian12_boot, BOOT_TOOLS, by_version, install_boot, EXPECTED_BOOT),
    Tree("extlinux", extlinux, {}, nothing, nothing, refused="extlinux"),
    Tree("unified-image", unified, {}, nothing, nothing, refused="unified"),
)
