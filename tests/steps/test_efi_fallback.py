"""EFI/BOOT on the EFI system partition, with what its loader needs beside it."""

import pytest

from agentprep.changes import Remove, Write
from agentprep.errors import Blocked
from agentprep.live import Mount
from agentprep.steps.efi_fallback import STEP
from tests.boot import legacy, partitions
from tests.roots.every import TREES
from tests.trees import FakeLive, make_tree, planned, system_of

# What is read of the loaders: Debian's shimx64.efi.signed 16.1 names in UTF-16 what it starts (grubx64.efi, fbx64.efi,
# mmx64.efi: looked up in the package); GRUB 2.06 its folder in ASCII, and none of these.
SHIM = b"MZ\0\0" + "\\grubx64.efi\0\\EFI\\BOOT\\fbx64.efi\0".encode("utf-16-le") + b" shim"
GRUB = b"MZ\0\0 grub /EFI/debian"
STUB = "search.fs_uuid 0b8e5c2f root hd0,gpt2\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n"
EFI = "/boot/efi/EFI"
DEBIAN = {
    EFI + "/debian/shimx64.efi": SHIM, EFI + "/debian/grubx64.efi": GRUB, EFI + "/debian/grub.cfg": STUB,
    EFI + "/debian/mmx64.efi": b"MZ mok\0", EFI + "/debian/fbx64.efi": b"MZ fb",
    EFI + "/debian/BOOTX64.CSV": "shimx64.efi,debian,,This is the boot entry for debian\n".encode("utf-16"),
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
        (EFI + "/BOOT/BOOTX64.EFI", SHIM), (EFI + "/BOOT/grubx64.efi", GRUB),
        (EFI + "/BOOT/mmx64.efi", b"MZ mok\0"), (EFI + "/BOOT/grub.cfg", STUB.encode()),
    ]  # fmt: skip
    assert "EFI/BOOT holds BOOTX64.EFI, grub.cfg, grubx64.efi, mmx64.efi" in settled(root)


def test_the_loaders_are_not_printed(tmp_path):
    root = make_tree(tmp_path / "root", DEBIAN)
    changes = planned(STEP, system_of(root))[0]
    assert [change.secret for change in changes] == [True, True, True, False]


def test_shim_without_the_grub_beside_it(tmp_path):
    root = make_tree(tmp_path / "root", dict(DEBIAN, **{EFI + "/Boot/bootx64.efi": SHIM}))
    assert did(planned(STEP, system_of(root))) == [
        (EFI + "/Boot/grubx64.efi", GRUB), (EFI + "/Boot/mmx64.efi", b"MZ mok\0"),
        (EFI + "/Boot/grub.cfg", STUB.encode()),
    ]  # fmt: skip
    settled(root)


def test_shim_with_its_own_fallback_program(tmp_path):
    files = dict(DEBIAN, **{EFI + "/BOOT/BOOTX64.EFI": SHIM, EFI + "/BOOT/fbx64.efi": b"MZ fb"})
    assert did(planned(STEP, system_of(make_tree(tmp_path / "root", files)))) == []
    older = dict(files, **{EFI + "/debian/BOOT.CSV": files[EFI + "/debian/BOOTX64.CSV"]})
    del older[EFI + "/debian/BOOTX64.CSV"]
    assert did(planned(STEP, system_of(make_tree(tmp_path / "older", older)))) == []


@pytest.mark.parametrize(
    "csv", [None, "gone.efi,debian,,".encode("utf-16"), b"shimx64.efi,debian,,", "\n,x,,\n".encode("utf-16")]
)
def test_a_fallback_program_that_finds_nothing_goes(tmp_path, csv):
    """It would reset the machine again and again."""
    files = dict(DEBIAN, **{EFI + "/BOOT/BOOTX64.EFI": SHIM, EFI + "/BOOT/fbx64.efi": b"MZ fb"})
    files.pop(EFI + "/debian/BOOTX64.CSV")
    files.update({EFI + "/debian/BOOTX64.CSV": csv} if csv else {})
    root = make_tree(tmp_path / "root", files)
    changes = planned(STEP, system_of(root))[0]
    assert [change.path for change in changes] == [
        EFI + "/BOOT/fbx64.efi", EFI + "/BOOT/grubx64.efi", EFI + "/BOOT/mmx64.efi", EFI + "/BOOT/grub.cfg",
    ]  # fmt: skip
    assert isinstance(changes[0], Remove)
    settled(root)


def test_a_loader_of_one_piece_needs_nothing_beside(tmp_path):
    files = {EFI + "/BOOT/BOOTX64.EFI": b"MZ systemd-boot", EFI + "/systemd/systemd-bootx64.efi": b"MZ systemd-boot"}
    assert did(planned(STEP, system_of(make_tree(tmp_path / "root", files)))) == []


def test_grub_without_shim(tmp_path):
    root = make_tree(tmp_path / "root", {EFI + "/debian/grubx64.efi": GRUB})
    assert did(planned(STEP, system_of(root))) == [(EFI + "/BOOT/BOOTX64.EFI", GRUB)]
    settled(root)


def test_release_7_of_red_hats_kinds(tmp_path):
    """Its grub.cfg on the partition is the real one, and its GRUB looks beside itself only."""
    real = "menuentry 'x' {\n\tlinuxefi /vmlinuz-3.10.0-1160.el7.x86_64 ro\n}\nconfigfile /x\n" * 100
    files = {path.replace("/debian/", "/centos/"): text for path, text in DEBIAN.items()}
    files[EFI + "/centos/grub.cfg"] = real
    root = make_tree(tmp_path / "root", files)
    assert did(planned(STEP, system_of(root)))[-1] == (
        EFI + "/BOOT/grub.cfg", b"set prefix=($root)/EFI/centos\nconfigfile $prefix/grub.cfg\n",
    )  # fmt: skip
    settled(root)


def test_release_9_after_its_installer(tmp_path):
    """anaconda leaves shim with its fallback program in EFI/BOOT, and a CSV in the vendor's folder."""
    files = {path.replace("/debian/", "/rocky/"): text for path, text in DEBIAN.items()}
    files.update({EFI + "/BOOT/BOOTX64.EFI": SHIM, EFI + "/BOOT/fbx64.efi": b"MZ fb"})
    assert did(planned(STEP, system_of(make_tree(tmp_path / "root", files)))) == []


SUSE_SHIM = b"MZ\0\0" + "\\grub.efi\0\\fallback.efi\0".encode("utf-16-le")
SUSE = {
    EFI + "/sles/shim.efi": SUSE_SHIM, EFI + "/sles/grub.efi": b"MZ\0 signed", EFI + "/sles/grubx64.efi": b"MZ\0 plain",
    EFI + "/sles/MokManager.efi": b"MZ\0 mok", EFI + "/sles/boot.csv": "shim.efi,sles,,".encode("utf-16"),
    EFI + "/sles/grub.cfg": 'search --fs-uuid --set=root 1\nset prefix=(${root})/grub2\nsource "${prefix}/grub.cfg"\n',
}  # fmt: skip


def test_suse_has_names_of_its_own(tmp_path):
    root = make_tree(tmp_path / "root", SUSE)
    assert did(planned(STEP, system_of(root))) == [
        (EFI + "/BOOT/BOOTX64.EFI", SUSE_SHIM), (EFI + "/BOOT/grub.efi", b"MZ\0 signed"),
        (EFI + "/BOOT/MokManager.efi", b"MZ\0 mok"), (EFI + "/BOOT/grub.cfg", SUSE[EFI + "/sles/grub.cfg"].encode()),
    ]  # fmt: skip
    settled(root)


def test_suse_after_its_installer(tmp_path):
    files = dict(SUSE, **{EFI + "/boot/bootx64.efi": SUSE_SHIM, EFI + "/boot/fallback.efi": b"MZ fb"})
    assert did(planned(STEP, system_of(make_tree(tmp_path / "root", files)))) == []


def test_systemd_boot(tmp_path):
    folder = "/efi/EFI/"
    files = {folder + "systemd/systemd-bootx64.efi": b"MZ\0 sd", folder + "Linux/fedora-6.16.efi": b"MZ\0 grubx64.efi",
             folder + "Microsoft/Boot/bootmgfw.efi": b"MZ"}  # fmt: skip
    root = make_tree(tmp_path / "root", files)
    assert did(planned(STEP, system_of(root))) == [(folder + "BOOT/BOOTX64.EFI", b"MZ\0 sd")]
    settled(root)


def test_of_several_folders_the_distributions_own_is_taken(tmp_path):
    """Red Hat's is called redhat, and neither rhel nor by its family."""
    files = {path.replace("/debian/", "/redhat/"): text for path, text in DEBIAN.items()}
    files.update({EFI + "/old/grubx64.efi": b"MZ\0", "/etc/os-release": 'ID="rhel"\nVERSION_ID="9.4"\n'})
    changes = planned(STEP, system_of(make_tree(tmp_path / "root", files)))[0]
    assert changes[0].why.endswith("this is %s/redhat/shimx64.efi" % EFI)


def test_systemd_boot_beside_a_grub_that_is_left_over(tmp_path):
    files = dict(partitions.debian(), **{"/efi/EFI/debian/grubx64.efi": b"MZ\0 old"})
    del files["/efi/EFI/BOOT/BOOTX64.EFI"]
    changes = planned(STEP, system_of(make_tree(tmp_path / "root", files)))[0]
    assert [(change.path, change.content) for change in changes] == [
        ("/efi/EFI/BOOT/BOOTX64.EFI", files["/efi/EFI/systemd/systemd-bootx64.efi"])
    ]


def test_grub_legacy_has_no_place_in_generation_2(tmp_path):
    root = make_tree(tmp_path / "root", dict(legacy.RHEL_6_UEFI))
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and facts[0].verdict == "failed" and "generation 1" in facts[0].remedy


def test_azure_linux_has_its_loaders_there_only(tmp_path):
    files = {EFI + "/BOOT/bootx64.efi": SHIM, EFI + "/BOOT/grubx64.efi": GRUB}
    assert did(planned(STEP, system_of(make_tree(tmp_path / "root", files)))) == []


def test_shim_of_another_vendor_is_not_mixed_with_this_ones_grub(tmp_path):
    root = make_tree(tmp_path / "root", dict(DEBIAN, **{EFI + "/BOOT/BOOTX64.EFI": SUSE_SHIM}))
    with pytest.raises(Blocked, match="starts grub.efi, which is in no vendor's folder"):
        planned(STEP, system_of(root))


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


FSTAB = "UUID=1C2D-3E4F /boot/efi vfat umask=0077,noauto 0 1\n"


def test_not_mounted(tmp_path):
    with pytest.raises(Blocked) as caught:
        planned(STEP, system_of(make_tree(tmp_path / "root", {"/etc/fstab": FSTAB})))
    assert "not mounted" in caught.value.message and caught.value.hint == "mount it: mount /boot/efi"


def test_files_below_an_empty_mount_point_are_not_the_partitions(tmp_path):
    root = make_tree(tmp_path / "root", dict(DEBIAN, **{"/etc/fstab": FSTAB}))
    live = FakeLive(mounts=(Mount("/dev/vda2", "/", "ext4", "rw"),))
    with pytest.raises(Blocked, match="not mounted"):
        planned(STEP, system_of(root, live=live))
    live = FakeLive(mounts=live.mounts + (Mount("/dev/vda1", "/boot/efi", "vfat", "rw"),))
    assert len(did(planned(STEP, system_of(root, live=live)))) == 4


def test_bios(tmp_path):
    root = make_tree(tmp_path / "root", {"/boot/grub/i386-pc/core.img": "x"})
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and facts[0].evidence == "not applicable: GRUB's i386-pc core image is in /boot"


@pytest.mark.parametrize("name", ["rhel-7-uefi", "rhel-10-uefi", "fedora-43"])
def test_guests_whose_shim_finds_its_fallback_need_nothing(tmp_path, name):
    """shim-x64 puts fbx64.efi beside BOOTX64.EFI, and a CSV file into its vendor's folder."""
    tree = next(one for one in TREES if one.name == name)
    one = system_of(tree.make(tmp_path), tree.commands)
    assert "fbx64.efi".encode("utf-16-le") in (one.guest.read("/boot/efi/EFI/BOOT/BOOTX64.EFI") or b"")
    changes, facts = planned(STEP, one)
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]
