"""For which processor and firmware the guest's disk is made."""

import pytest

from agentprep.errors import Blocked
from agentprep.guest import Guest
from agentprep.machine import architecture, esp, firmware
from tests.trees import ELF64, Program, To, make_tree, system_of

EFI = "/boot/efi/EFI"
VFAT = "UUID=1C2D-3E4F /boot/efi vfat umask=0077 0 1\n"


def elf(machine, wide=2, order=1):
    return b"\x7fELF" + bytes([wide, order, 1]) + bytes(9) + b"\x03\x00" + machine


def tree(folder, files):
    return Guest(make_tree(folder, files, minimal=False))


@pytest.mark.parametrize(
    "head, name",
    [
        (ELF64, "x86_64"), (elf(b"\xb7\x00"), "aarch64"), (elf(b"\x03\x00", wide=1), "i386"),
        (elf(b"\x3e\x00", wide=1), "x32"), (elf(b"\x00\x16", order=2), "s390x"), (elf(b"\x15\x00"), "ppc64"),
        (elf(b"\x99\x00"), "unknown"),
    ],
)  # fmt: skip
def test_the_processor_is_that_of_the_guests_own_programs(tmp_path, head, name):
    """/bin is a link to usr/bin since the folders were merged, and /bin/sh one to dash or bash."""
    files = {"/bin": To("usr/bin"), "/usr/bin/sh": To("dash"), "/usr/bin/dash": head}
    assert architecture(tree(tmp_path, files)) == name


def test_scripts_and_short_files_tell_nothing(tmp_path):
    files = {"/bin/sh": "#!/x\n", "/sbin/init": b"\x7fELF\x02", "/usr/lib/systemd/systemd": elf(b"\xb7\x00")}
    assert architecture(tree(tmp_path / "a", files)) == "aarch64"
    with pytest.raises(Blocked, match="no program was found"):
        architecture(tree(tmp_path / "b", {"/bin/sh": "#!/x\n"}))


@pytest.mark.parametrize(
    "files, name, told",
    [
        ({EFI + "/centos/shimx64.efi": "MZ", "/etc/fstab": VFAT}, "uefi", "centos/shimx64.efi"),
        ({EFI + "/centos/shimx64.efi": "MZ"}, "uefi", "centos/shimx64.efi"),
        ({"/boot/efi/efi/SuSE/elilo.efi": "MZ"}, "uefi", "elilo.efi"),
        ({"/efi/EFI/systemd/systemd-bootaa64.efi": "MZ"}, "uefi", "systemd-bootaa64.efi"),
        ({"/boot/EFI/BOOT/BOOTX64.EFI": "MZ"}, "uefi", "BOOTX64.EFI"),
        ({"/etc/fstab": VFAT}, "uefi", "/etc/fstab mounts an EFI system partition at /boot/efi"),
        ({"/etc/fstab": "LABEL=ESP\t/efi\tvfat\tnoauto\n"}, "uefi", "at /efi"),
        ({"/etc/fstab": "UUID=1 /boot vfat defaults\n"}, "uefi", "at /boot"),
        ({"/etc/fstab": "#" + VFAT + "UUID=1 /boot ext4 defaults\n"}, "bios", "no EFI system partition"),
        ({"/boot/grub2/i386-pc/core.img": ""}, "bios", "GRUB's i386-pc core image"),
        ({"/boot/grub/stage2": ""}, "bios", "GRUB's stage2 image"),
        ({"/boot/efi/EFI/centos/fwupx64.efi": "MZ"}, "bios", "no EFI system partition"),
        # packages of loaders on a machine of BIOS, and a disk that is made for both
        ({EFI + "/centos/shimx64.efi": "MZ", "/boot/grub2/i386-pc/core.img": ""}, "bios", "core image"),
        ({EFI + "/centos/shimx64.efi": "MZ", "/boot/grub2/i386-pc/core.img": "", "/etc/fstab": VFAT}, "uefi",
         "shimx64.efi is on the EFI system partition; BIOS boots it as well (/boot/grub2/i386-pc/core.img)"),
    ],
)  # fmt: skip
def test_the_firmware_that_the_disk_is_made_for(tmp_path, files, name, told):
    found, evidence = firmware(tree(tmp_path, files))
    assert found == name and told in evidence


def test_how_the_machine_was_booted_counts_last(tmp_path):
    files = {"/sys/firmware/efi/fw_platform_size": "64\n"}
    assert firmware(tree(tmp_path / "a", files), live=True)[0] == "uefi"
    assert firmware(tree(tmp_path / "b", files))[0] == "bios", "of a tree /sys tells nothing"
    files["/boot/grub/i386-pc/core.img"] = ""
    assert firmware(tree(tmp_path / "c", files), live=True)[0] == "bios"


def test_where_the_partition_is_mounted(tmp_path):
    assert esp(tree(tmp_path / "a", {"/etc/fstab": VFAT})) == "/boot/efi"
    assert esp(tree(tmp_path / "b", {"/etc/fstab": "UUID=1 / ext4 defaults\n"})) == ""


def test_a_system_asks_once(tmp_path):
    one = system_of(make_tree(tmp_path, {EFI + "/debian/grubx64.efi": "MZ", "/usr/bin/x": Program("")}))
    assert one.architecture == "x86_64" and one.firmware.backend == "uefi"
