"""Guests that boot from entries of type 1 on a partition that firmware reads.

Debian's files are what kernel-install of systemd 257.13-1~deb13u1 wrote in a chroot of Debian 13, and its plugin's
name; openSUSE's are as install_kernel() and entry_conf_file() of sdbootutil (2026-08) write them; Fedora's differ from
Debian's in the initrd's name only.
"""

from agentprep.guest import Guest
from tests.formats.programs import program
from tests.trees import Program, make_tree

ROOT = "8a1d4b5e-0000-4000-8000-000000000001"
TOKEN = "0123456789abcdef0123456789abcdef"
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
OTHER_SHA1 = "0a4d55a8d778e5022fab701977c5d840bbc486d0"
OLD, NEW = "6.12.9+deb13-amd64", "6.12.43+deb13-amd64"
SUSE = "6.15.8-1-default"
SYSTEMD_BOOT = program({".text": b"x", ".sdmagic": b"#### LoaderInfo: systemd-boot 257.13-1~deb13u1 ####"})
SHIM = program({".text": b"UEFI SHIM\n$Version: 15.8 $\n"})
GRUB = program({".text": b"GNU GRUB  version %s\0"})
MACHINE = " systemd.machine_id=" + TOKEN
FSTAB = "UUID=%s / ext4 errors=remount-ro 0 1\nUUID=ABCD-1234 %s vfat umask=0077 0 1\n"
GRUB_CFG = "menuentry 'Debian' {\n\tlinux /boot/vmlinuz-%s root=UUID=%s ro\n\tinitrd /boot/initrd.img-%s\n}\n" % (
    NEW, ROOT, NEW,
)  # fmt: skip


def entry(version=NEW, arguments="root=UUID=%s ro quiet" % ROOT, token=TOKEN, initrd="initrd.img-%s", machine=True):
    """What 90-loaderentry.install writes."""
    lines = [
        "# Boot Loader Specification type#1 entry",
        "# File created by /usr/lib/kernel/install.d/90-loaderentry.install (systemd 257.13-1~deb13u1)",
        "title      Debian GNU/Linux 13 (trixie)",
        "version    " + version,
    ]
    lines += ["machine-id " + token] if machine else []
    lines += ["sort-key   debian"]
    lines += ["options    " + arguments + (" systemd.machine_id=" + token if machine else "")]
    lines += ["linux      /%s/%s/linux" % (token, version)]
    if initrd:
        lines.append("initrd     /%s/%s/%s" % (token, version, initrd % version if "%s" in initrd else initrd))
    return "\n".join(lines) + "\n"


def path(version=NEW, root="/efi", token=TOKEN, more=""):
    return "%s/loader/entries/%s-%s%s.conf" % (root, token, version, more)


def image(version=NEW, root="/efi", token=TOKEN):
    return "%s/%s/%s/initrd.img-%s" % (root, token, version, version)


def kernel(version, root="/efi", token=TOKEN):
    """A kernel of Debian with its copies on the partition."""
    return {
        "/boot/vmlinuz-" + version: "MZ" + version,
        "/boot/initrd.img-" + version: "image of " + version,
        "/usr/lib/modules/%s/modules.dep" % version: "",
        "%s/%s/%s/linux" % (root, token, version): "MZ" + version,
        image(version, root, token): "image of " + version,
        path(version, root, token): entry(version, token=token),
    }


def debian(root="/efi", token=TOKEN):
    """Debian 13 with two kernels."""
    files = {
        "/etc/fstab": FSTAB % (ROOT, root),
        "/etc/machine-id": TOKEN + "\n",
        "/etc/kernel/cmdline": "root=UUID=%s ro quiet\n" % ROOT,
        "/usr/bin/kernel-install": Program("#!/bin/sh\n"),
        "/usr/lib/kernel/install.d/55-initrd.install": Program("#!/bin/sh\n"),
        root + "/EFI/systemd/systemd-bootx64.efi": SYSTEMD_BOOT,
        root + "/EFI/BOOT/BOOTX64.EFI": SYSTEMD_BOOT,
        root + "/loader/loader.conf": "#timeout 3\n#console-mode keep\n",
        root + "/loader/entries.srel": "type1\n",
        root + "/loader/random-seed": b"\0" * 32,
    }
    files.update(kernel(OLD, root, token))
    files.update(kernel(NEW, root, token))
    return files


def suse_entry(
    snapshot, initrd=SHA1, title="openSUSE Tumbleweed", sort_key="opensuse", arguments="quiet splash=silent"
):
    return (
        "# Boot Loader Specification type#1 entry\n"
        "title      %s\nversion    %d@%s\nsort-key   %s\n"
        "options    quiet splash=silent root=UUID=%s rootflags=subvol=@/.snapshots/%d/snapshot\n"
        "linux      /opensuse-tumbleweed/%s/linux-%s\ninitrd     /opensuse-tumbleweed/%s/initrd-%s\n"
    ) % (title, snapshot, SUSE, sort_key, ROOT, snapshot, SUSE, SHA1, SUSE, initrd)


def suse(loader="systemd-boot"):
    """Tumbleweed with a read-only snapshot of before an update."""
    folder = "/boot/efi/opensuse-tumbleweed/" + SUSE
    name = "opensuse-tumbleweed-%s-%d.conf"
    now, then = (name, name) if loader == "systemd-boot" else ("system-" + name, "snapper-" + name)
    binaries = {
        "/boot/efi/EFI/systemd/systemd-bootx64.efi": SYSTEMD_BOOT,
        "/boot/efi/EFI/BOOT/BOOTX64.EFI": SYSTEMD_BOOT,
    }
    if loader == "grub2-bls":
        binaries = {"/boot/efi/EFI/opensuse/grub.efi": GRUB, "/boot/efi/EFI/opensuse/shim.efi": SHIM,
                    "/boot/efi/EFI/BOOT/BOOTX64.EFI": SHIM}  # fmt: skip
    mark = "/boot/efi/EFI/%s/installed_by_sdbootutil" % ("systemd" if loader == "systemd-boot" else "opensuse")
    files = {
        "/etc/fstab": "UUID=%s / btrfs defaults 0 0\nUUID=ABCD-1234 /boot/efi vfat utf8 0 2\n" % ROOT,
        "/etc/sysconfig/bootloader": 'LOADER_TYPE="%s"\nSECURE_BOOT="yes"\n' % loader,
        "/etc/kernel/entry-token": "opensuse-tumbleweed\n",
        "/etc/kernel/cmdline": "quiet splash=silent\n",
        "/etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="nothing reads this"\n',
        "/usr/bin/sdbootutil": Program("#!/bin/bash\n"),
        "/usr/bin/kernel-install": Program("#!/bin/sh\n"),
        "/usr/lib/modules/%s/modules.dep" % SUSE: "",
        "/usr/lib/modules/%s/vmlinuz" % SUSE: "MZ",
        mark: "opensuse-tumbleweed\n",
        folder + "/linux-" + SHA1: "MZ",
        folder + "/initrd-" + SHA1: "image",
        folder + "/initrd-" + OTHER_SHA1: "older image",
        "/boot/efi/loader/entries/" + now % (SUSE, 1): suse_entry(1),
        "/boot/efi/loader/entries/" + then % (SUSE, 2): suse_entry(
            2, OTHER_SHA1, "Snapper: *openSUSE Tumbleweed (2,%s,2026-01-01)" % SUSE, "snapper-opensuse"),
    }  # fmt: skip
    files.update(binaries)
    return files


def guest(folder, files, **more):
    """The guest with these files; None takes one away."""
    files = dict(files, **more)
    return Guest(make_tree(folder, {name: one for name, one in files.items() if one is not None}, minimal=False))
