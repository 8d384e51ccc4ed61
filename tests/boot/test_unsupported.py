"""Boot loaders that are known and not supported: named where they boot the guest, and not where they were left over.

Contents are as the loaders' own documents and packages have them: syslinux 6.04 (doc/, Alpine's update-extlinux),
U-Boot's doc/README.pxe, lilo.conf(5), rEFInd 0.14's refind.conf-sample, Limine 8's CONFIG.md, zipl.conf(5).
"""

import pytest

from agentprep.boot import pick
from agentprep.boot.unsupported import recognised
from agentprep.errors import Blocked
from tests.boot import partitions as made
from tests.boot.partitions import NEW
from tests.formats.programs import program
from tests.trees import ELF64

EXTLINUX = "DEFAULT menu.c32\nTIMEOUT 10\nLABEL lts\n  MENU LABEL Linux\n  LINUX vmlinuz-lts\n  INITRD initramfs-lts\n"
UBOOT = "default l0\nlabel l0\n\tmenu label Debian\n\tlinux /boot/vmlinuz-%s\n\tinitrd /boot/initrd.img\n" % NEW
LILO = 'boot=/dev/sda\nmap=/boot/map\ndefault=Linux\nimage="/boot/vmlinuz-%s"\n\tlabel=Linux\n\tread-only\n' % NEW
MENU = "default 0\ntimeout 0\ntitle Amazon Linux\nroot (hd0)\nkernel /boot/vmlinuz-%s root=LABEL=/ console=hvc0\n" % NEW
KERNEL = {"/boot/vmlinuz-" + NEW: "MZ", "/usr/lib/modules/%s/modules.dep" % NEW: ""}
UKI = program({".osrel": b"ID=rhel\n", ".cmdline": b"console=tty0\0", ".linux": b"MZ", ".initrd": b"070701"})
CASES = {
    "extlinux": ({"/boot/extlinux.conf": EXTLINUX, "/boot/ldlinux.sys": b"x", "/boot/vmlinuz-lts": "MZ"},
                 "extlinux (syslinux) is what boots this guest (/boot/extlinux.conf)"),
    "syslinux": ({"/boot/syslinux/syslinux.cfg": UBOOT, "/boot/syslinux/ldlinux.c32": b"x"},
                 "extlinux (syslinux) is what boots this guest (/boot/syslinux/syslinux.cfg)"),
    "syslinux on UEFI": ({"/boot/efi/EFI/syslinux/syslinux.cfg": "LABEL x\nLINUX ../../vmlinuz\n",
                          "/boot/efi/EFI/syslinux/syslinux.efi": b"MZ", "/boot/efi/vmlinuz": "MZ"},
                         "extlinux (syslinux) is what boots this guest (/boot/efi/EFI/syslinux/syslinux.cfg)"),
    "U-Boot": ({"/boot/extlinux/extlinux.conf": UBOOT}, "U-Boot is what boots this guest"),
    "LILO": ({"/etc/lilo.conf": LILO, "/boot/map": b"x"}, "LILO is what boots this guest (/etc/lilo.conf)"),
    "rEFInd": ({"/boot/efi/EFI/refind/refind.conf": "timeout 20\n", "/boot/efi/EFI/refind/refind_x64.efi": b"MZ"},
               "rEFInd is what boots this guest (/boot/efi/EFI/refind/refind.conf)"),
    "Limine": ({"/boot/limine.conf": "timeout: 3\n\n/Linux\n    protocol: linux\n"}, "Limine is what boots this guest"),
    "pygrub": ({"/boot/grub/menu.lst": MENU}, "/boot/grub/menu.lst is a menu for pygrub or PV-GRUB of a Xen host"),
    "zipl": ({"/etc/zipl.conf": "[defaultboot]\n", "/sbin/zipl": ELF64}, "zipl is what boots this guest"),
    "a unified image": ({"/boot/efi/EFI/Linux/0123-%s.efi" % NEW: UKI, "/boot/efi/EFI/BOOT/BOOTX64.EFI": made.SHIM},
                        "/boot/efi/EFI/Linux/0123-%s.efi is a unified image and boots this guest" % NEW),
    "a unified image and a menu that was left over": (
        {"/boot/efi/EFI/Linux/0123-%s.efi" % NEW: UKI, "/boot/efi/EFI/systemd/systemd-bootx64.efi": made.SYSTEMD_BOOT,
         "/boot/grub/grub.cfg": made.GRUB_CFG},
        "/boot/efi/EFI/Linux/0123-%s.efi is a unified image and boots this guest" % NEW),
    "no entries": ({"/efi/EFI/BOOT/BOOTX64.EFI": made.SYSTEMD_BOOT},
                   "/efi/EFI/BOOT/BOOTX64.EFI is systemd-boot, and no loader/entries"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_boots_the_guest_is_named(tmp_path, name):
    files, message = CASES[name]
    guest = made.guest(tmp_path, dict(KERNEL, **files))
    told = recognised(guest)
    assert told is not None and told[0].startswith(message), told
    assert told[1]
    with pytest.raises(Blocked) as caught:
        pick(guest)
    assert (caught.value.message, caught.value.hint) == told


@pytest.mark.parametrize("point", ["/boot", "/boot/efi", "/efi"])
def test_what_is_not_mounted_is_said_before_anything_is_guessed(tmp_path, point):
    files = {"/etc/fstab": "UUID=A-1 %s auto defaults 0 1\n" % point}
    if point != "/boot":
        files.update(KERNEL, **{"/boot/grub/menu.lst": MENU})
    told = recognised(made.guest(tmp_path, files))
    assert told == ("%s is empty: the partition that /etc/fstab mounts there is not mounted" % point,
                    "mount it: mount " + point)  # fmt: skip


def test_a_leftover_beside_a_live_loader_is_nothing(tmp_path):
    files = made.debian()
    for more, _ in CASES.values():
        files.update({name: one for name, one in more.items() if "/EFI/Linux" not in name and name not in files})
    assert pick(made.guest(tmp_path, files))[0].name == "systemd-boot"


@pytest.mark.parametrize("files", [
    {"/boot/extlinux.conf": EXTLINUX, "/boot/ldlinux.sys": b"x"},  # its kernel is gone
    {"/etc/lilo.conf": LILO},
    {"/etc/lilo.conf": LILO.replace(NEW, "2.4"), "/boot/map": b"x"},
    {"/boot/efi/EFI/refind/refind.conf": "timeout 20\n"},
    {"/boot/grub/menu.lst": MENU, "/boot/grub/stage2": b"x"},
    {"/boot/grub/menu.lst": MENU.replace(NEW, "gone")},
    {"/etc/zipl.conf": "[defaultboot]\n"},
    {"/boot/efi/EFI/Linux/shell.efi": program({".text": b"x"})},
    {"/etc/fstab": "UUID=A-1 /boot/efi vfat umask=0077 0 1\n", "/boot/efi/x": ""},
    {},
])  # fmt: skip
def test_what_boots_nothing_is_not_named(tmp_path, files):
    assert recognised(made.guest(tmp_path, dict(KERNEL, **files))) is None


def test_nothing_at_all_says_what_is_known(tmp_path):
    with pytest.raises(Blocked, match="no boot loader was found"):
        pick(made.guest(tmp_path, KERNEL))


def test_two_live_loaders_are_told_as_two(tmp_path):
    more = {"/boot/grub/grub.cfg": made.GRUB_CFG, "/boot/grub/i386-pc/core.img": b"x", "/etc/default/grub": ""}
    files = dict(made.debian(), **dict(more, **{"/boot/limine.conf": ""}))
    with pytest.raises(Blocked, match="more than one boot loader"):
        pick(made.guest(tmp_path, files))
