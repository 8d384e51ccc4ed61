"""Compared with blkid itself on what the mkfs tools make; a tool that is missing is a skip that says so."""

import os
import re
import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats.superblock import HEAD, Superblock, identify

PATH = os.defpath + ":/usr/sbin:/sbin"
UUID = "01234567-89ab-cdef-0123-456789abcdef"
QUICK = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", "/etc/passwd")

# The sector that pvcreate of LVM 2.03.16 wrote on a device of 20 MiB.
PV = b"LABELONE\x01\0\0\0\0\0\0\0\x9e\x98a\x9f \0\0\0LVM2 001Fw39zIpEh53ZHhh0biJxyIyXa5cyPHqN"
PV += struct.pack("<9QB", 20971520, 1048576, 0, 0, 0, 4096, 1044480, 0, 0, 2)


def blkid(path):
    """What ``blkid -p`` prints, as a Superblock; None when it finds nothing it would name."""
    run = subprocess.run(("blkid", "-p", str(path)), stdout=subprocess.PIPE, env={"PATH": PATH})
    fields = dict(re.findall(r'(\S+)="(.*?)"', run.stdout.decode()))
    if "TYPE" not in fields:
        return None
    return Superblock(fields["TYPE"], fields.get("UUID", ""), fields.get("LABEL", ""))


def needed(program):
    if not shutil.which(program, path=PATH):
        pytest.skip(f"there is no {program} here")


@pytest.fixture
def image(tmp_path):
    """A function: size in MiB, what to run on a file of that size -> the file."""

    def made(size, *argv):
        needed("blkid")
        path = tmp_path / "image"
        with path.open("wb") as stream:
            stream.truncate(size << 20)
        if argv:
            needed(argv[0])
            environment = {"PATH": PATH}
            run = subprocess.run(argv + (str(path),), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
            assert run.returncode == 0, run.stdout.decode()
        return path

    return made


def head(path):
    with path.open("rb") as stream:
        return stream.read(HEAD)


@pytest.mark.parametrize(
    "kind,size,argv",
    [
        ("ext2", 8, ("mkfs.ext2", "-q", "-F", "-L", "a b", "-U", UUID)),
        ("ext3", 8, ("mkfs.ext3", "-q", "-F")),
        ("ext4", 8, ("mkfs.ext4", "-q", "-F", "-L", "sixteen-letters!")),
        ("ext4", 8, ("mkfs.ext4", "-q", "-F", "-O", "^has_journal")),
        ("ext2", 8, ("mkfs.ext4", "-q", "-F", "-O", "none")),
        ("jbd", 8, ("mke2fs", "-q", "-F", "-O", "journal_dev")),
        ("xfs", 320, ("mkfs.xfs", "-q", "-L", "twelve-chars", "-m", "uuid=" + UUID)),
        ("btrfs", 128, ("mkfs.btrfs", "-q", "-L", "a label", "-U", UUID)),
        ("vfat", 4, ("mkfs.vfat", "-F", "12")),
        ("vfat", 20, ("mkfs.vfat", "-F", "16", "-n", "EFI", "-i", "0012ABCD")),
        ("vfat", 80, ("mkfs.vfat", "-F", "32", "-n", "EFI SYS")),
        ("vfat", 80, ("mkfs.vfat", "-F", "32", "-S", "4096", "-i", "00000000")),
        ("swap", 8, ("mkswap", "-L", "swap 1", "-U", UUID)),
        ("swap", 8, ("mkswap", "-p", "8192")),
        ("swap", 8, ("mkswap", "-p", "65536", "-L", "large")),
        ("crypto_LUKS", 20, ("cryptsetup", "-q", "luksFormat", "--type", "luks1") + QUICK),
        ("crypto_LUKS", 20, ("cryptsetup", "-q", "luksFormat", "--type=luks2", "--label=L 2") + QUICK),
        (None, 8, ()),
    ],
)
def test_blkid_agrees(image, kind, size, argv):
    path = image(size, *argv)
    found = identify(head(path))
    assert found == blkid(path)
    assert (found.kind if found else None) == kind


def test_a_physical_volume(image):
    path = image(20)
    with path.open("r+b") as stream:
        stream.seek(512)
        stream.write(PV)
    assert identify(head(path)) == blkid(path) == ("LVM2_member", "Fw39zI-pEh5-3ZHh-h0bi-JxyI-yXa5-cyPHqN", "")
    assert identify(bytes(512) + PV.replace(b"Fw39", b"Fw38") + bytes(4096)) is None  # the checksum is wrong
    assert identify(PV + bytes(4096)) is None  # it says that it is in sector 1


@pytest.mark.parametrize("magic", [b"S1SUSPEND\0", b"S2SUSPEND\0", b"ULSUSPEND\0", b"LINHIB0001"])
def test_a_suspended_system_in_swap(image, magic):
    path = image(8, "mkswap", "-U", UUID)
    with path.open("r+b") as stream:
        stream.seek(4086)
        stream.write(magic)
    assert identify(head(path)) == blkid(path) == ("swsuspend", UUID, "")


def test_swap_of_the_first_version(image):
    path = image(8)
    with path.open("r+b") as stream:
        stream.seek(4086)
        stream.write(b"SWAP-SPACE")
    assert identify(head(path)) == blkid(path) == ("swap", "", "")


def test_a_journal_that_was_not_played_back_makes_no_other_kind(image):
    path = image(8, "mkfs.ext3", "-q", "-F")
    with path.open("r+b") as stream:
        stream.seek(1024 + 0x60)
        incompatible = stream.read(1)[0]
        stream.seek(1024 + 0x60)
        stream.write(bytes([incompatible | 0x4]))
    assert identify(head(path)) == blkid(path)
    assert identify(head(path)).kind == "ext3"


@pytest.mark.parametrize("argv", [("mkfs.btrfs", "-q"), ("mkfs.xfs", "-q"), ("mkfs.vfat",)])
def test_two_kinds_at_once_are_told_as_blkid_does_not_choose_either(image, argv):
    ext = head(image(320, "mkfs.ext4", "-q", "-F"))
    path = image(320, *argv)
    with path.open("r+b") as stream:
        stream.seek(1024)
        stream.write(ext[1024:2048])
    assert blkid(path) is None
    with pytest.raises(Malformed, match=f"(?=.*ext4)(?=.*{argv[0][5:]}).* at the same time"):
        identify(head(path))


def test_a_boot_sector_that_is_no_vfat():
    partitioned = bytes(510) + b"\x55\xaa"
    ntfs = b"\xeb\x52\x90NTFS    \0\2\x08\0\0\0\0\0\0\0\xf8".ljust(510, b"\0") + b"\x55\xaa"
    for sector in (partitioned, ntfs):
        assert identify(sector + bytes(HEAD - 512)) is None


def test_a_tool_s_head_cut_anywhere_is_no_error(image):
    whole = head(image(8, "mkfs.ext4", "-q", "-F"))
    assert [identify(whole[:cut]) is not None for cut in (0, 511, 1024, 2047, 2048, 4096)] == [False] * 4 + [True] * 2


MAGICS = [(0, b"XFSB"), (1080, b"\x53\xef"), (0x10040, b"_BHRfS_M"), (4086, b"SWAPSPACE2"), (0, b"LUKS\xba\xbe\0\2")]
MAGICS += [(512, b"LABELONE" + b"\1" + bytes(15) + b"LVM2 001"), (510, b"\x55\xaa")]


@given(st.lists(st.sampled_from(MAGICS)), st.binary(max_size=1200), st.integers(0, HEAD))
def test_any_bytes_raise_malformed_or_nothing(magics, noise, size):
    content = bytearray((noise * (HEAD // max(len(noise), 1) + 1)).ljust(HEAD, b"\0")[:HEAD])
    for at, magic in magics:
        content[at : at + len(magic)] = magic
    try:
        identify(bytes(content[:size]))
    except Malformed:
        pass
