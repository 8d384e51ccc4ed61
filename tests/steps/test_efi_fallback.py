"""EFI/BOOT on the EFI system partition, with what its loader needs beside it."""

import pytest

from agentprep.changes import Write
from agentprep.errors import Blocked
from agentprep.steps.efi_fallback import STEP
from tests.trees import make_tree, planned, system_of

# What is read of the loaders: shim 16.1 names the loader that it starts in UTF-16, GRUB 2.06 its folder in ASCII.
SHIM = b"MZ\0\0" + "\\grubx64.efi".encode("utf-16-le") + b" shim"
GRUB = b"MZ\0\0 grub /EFI/debian"
STUB = "search.fs_uuid 0b8e5c2f root hd0,gpt2\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n"
EFI = "/boot/efi/EFI"
DEBIAN = {
    EFI + "/debian/shimx64.efi": SHIM, EFI + "/debian/grubx64.efi": GRUB, EFI + "/debian/grub.cfg": STUB,
    EFI + "/debian/mmx64.efi": b"MZ mok", EFI + "/debian/fbx64.efi": b"MZ fb",
    EFI + "/debian/BOOTX64.CSV": "shimx64.efi,debian,,".encode("utf-16"),
}  # fmt: skip
ARM64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00"


def did(result):
    assert all(isinstance(change, Write) for change in result[0])
    return [(change.path, change.content) for change in result[0]]


def settled(root):
    for change in STEP.changes(system_of(root), None):
        if hasattr(change, "apply"):
            change.apply(system_of(root).guest)
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]
    return facts[0].evidence


def test_debian_after_its_installer(tmp_path):
    root = make_tree(tmp_path / "root", DEBIAN)
    assert did(planned(STEP, system_of(root))) == [
        (EFI + "/BOOT/BOOTX64.EFI", SHIM), (EFI + "/BOOT/grubx64.efi", GRUB), (EFI + "/BOOT/grub.cfg", STUB.encode()),
    ]  # fmt: skip
    assert "EFI/BOOT holds BOOTX64.EFI, grub.cfg, grubx64.efi" in settled(root)


def test_the_loaders_are_not_printed(tmp_path):
    root = make_tree(tmp_path / "root", DEBIAN)
    changes = planned(STEP, system_of(root))[0]
    assert [change.secret for change in changes] == [True, True, False]


def test_shim_without_the_grub_beside_it(tmp_path):
    root = make_tree(tmp_path / "root", dict(DEBIAN, **{EFI + "/Boot/bootx64.efi": SHIM}))
    assert did(planned(STEP, system_of(root))) == [
        (EFI + "/Boot/grubx64.efi", GRUB), (EFI + "/Boot/grub.cfg", STUB.encode())
    ]  # fmt: skip
    settled(root)


def test_shim_with_its_own_fallback_program(tmp_path):
    files = dict(DEBIAN, **{EFI + "/BOOT/BOOTX64.EFI": SHIM, EFI + "/BOOT/fbx64.efi": b"MZ fb"})
    assert did(planned(STEP, system_of(make_tree(tmp_path / "root", files)))) == []
    del files[EFI + "/debian/BOOTX64.CSV"]
    assert (EFI + "/BOOT/grubx64.efi", GRUB) in did(planned(STEP, system_of(make_tree(tmp_path / "other", files))))


def test_a_loader_of_one_piece_needs_nothing_beside(tmp_path):
    files = {EFI + "/BOOT/BOOTX64.EFI": b"MZ systemd-boot", EFI + "/systemd/systemd-bootx64.efi": b"MZ systemd-boot"}
    assert did(planned(STEP, system_of(make_tree(tmp_path / "root", files)))) == []


def test_grub_without_shim(tmp_path):
    root = make_tree(tmp_path / "root", {EFI + "/debian/grubx64.efi": GRUB})
    assert did(planned(STEP, system_of(root))) == [(EFI + "/BOOT/BOOTX64.EFI", GRUB)]
    settled(root)


def test_a_grub_cfg_that_is_no_stub_is_not_copied(tmp_path):
    files = dict(DEBIAN, **{EFI + "/debian/grub.cfg": "menuentry 'x' {\nconfigfile /x\n}\n" * 200})
    assert len(did(planned(STEP, system_of(make_tree(tmp_path / "root", files))))) == 2


def test_arm64(tmp_path):
    shim = b"MZ" + "\\grubaa64.efi".encode("utf-16-le")
    root = make_tree(tmp_path / "root", {
        "/bin/sh": ARM64, EFI + "/debian/shimaa64.efi": shim, EFI + "/debian/grubaa64.efi": GRUB})  # fmt: skip
    assert did(planned(STEP, system_of(root))) == [
        (EFI + "/BOOT/BOOTAA64.EFI", shim), (EFI + "/BOOT/grubaa64.efi", GRUB)
    ]  # fmt: skip


def test_of_two_vendors_the_guests_own_is_taken(tmp_path):
    files = dict(DEBIAN, **{EFI + "/ubuntu/shimx64.efi": SHIM + b"u", EFI + "/ubuntu/grubx64.efi": GRUB + b"u"})
    assert did(planned(STEP, system_of(make_tree(tmp_path / "root", files))))[0] == (EFI + "/BOOT/BOOTX64.EFI", SHIM)
    strange = {path.replace("/debian/", "/acme/"): text for path, text in files.items()}
    with pytest.raises(Blocked, match="/acme, /boot/efi/EFI/ubuntu"):
        planned(STEP, system_of(make_tree(tmp_path / "other", strange)))


def test_not_mounted(tmp_path):
    fstab = "UUID=1C2D-3E4F /boot/efi vfat umask=0077 0 1\n"
    with pytest.raises(Blocked) as caught:
        planned(STEP, system_of(make_tree(tmp_path / "root", {"/etc/fstab": fstab})))
    assert "not mounted" in caught.value.message and "mount /boot/efi" in caught.value.hint


def test_bios(tmp_path):
    root = make_tree(tmp_path / "root", {"/boot/grub/i386-pc/core.img": "x"})
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and facts[0].evidence == "not applicable: GRUB's i386-pc core image is in /boot"
