"""VHD footers: as qemu-img, VirtualBox and Hyper-V write them, field by field, and as we do."""

import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import diskimage, vhd

MIB, GIB = 1 << 20, 1 << 30
ID = bytes(range(16))
NOW = 1500000000


def fixed(size=64 * MIB):
    return vhd.fixed(size, NOW, ID)


def mended(raw):
    """The bytes with the checksum that they should have."""
    return raw[:64] + struct.pack(">I", vhd.checksum(raw, 64)) + raw[68:]


def put(raw, at, content):
    return raw[:at] + content + raw[at + len(content) :]


# Worked out by hand from the specification's appendix: sectors // 17 // heads and so on.
@pytest.mark.parametrize(
    "size, cylinders, heads, track",
    [
        (1 * MIB, 30, 4, 17),
        (20 * MIB, 602, 4, 17),
        (64 * MIB, 963, 8, 17),
        (135 * MIB, 1016, 16, 17),  # the last with 17 sectors
        (136 * MIB, 561, 16, 31),
        (137 * MIB, 565, 16, 31),
        (1 * GIB, 2080, 16, 63),
        (30 * GIB, 62415, 16, 63),
        (127 * GIB, 65278, 16, 255),
        (2040 * GIB, 65535, 16, 255),
        (4096 * GIB, 65535, 16, 255),
    ],
)
def test_geometry(size, cylinders, heads, track):
    assert vhd.geometry(size) == (cylinders, heads, track)


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="there is no qemu-img")
@pytest.mark.parametrize("size", [MIB, 20 * MIB, 136 * MIB, 137 * MIB, GIB, 31 * GIB, 32 * GIB, 127 * GIB, 128 * GIB,
                                  2000 * GIB])  # fmt: skip
def test_the_geometry_is_what_qemu_img_has_for_such_a_disk(tmp_path, size):
    """Without force_size it makes the disk as large as a geometry, the first that is not too small."""
    path = str(tmp_path / "disk")
    argv = ["qemu-img", "create", "-q", "-f", "vpc", "-o", "subformat=dynamic", path, str(size)]
    subprocess.run(argv, check=True)
    with open(path, "rb") as stream:
        made = vhd.footer(stream.read(512))
    assert made.geometry == vhd.geometry(made.current_size)
    assert 0 <= made.current_size - size < 16 * 255 * 512


def test_a_footer_of_ours_holds_what_the_specification_says():
    raw = fixed()
    assert len(raw) == 512 and raw[:8] == b"conectix" and not any(raw[85:])
    assert raw[8:16] == b"\0\0\0\2\0\1\0\0" and raw[16:24] == b"\xff" * 8
    assert struct.unpack(">I", raw[24:28])[0] == NOW - 946684800
    assert raw[28:32] == b"win " and raw[36:40] == b"Wi2k"
    assert struct.unpack(">QQ", raw[40:56]) == (64 * MIB, 64 * MIB)
    assert struct.unpack(">HBB", raw[56:60]) == (963, 8, 17) and raw[60:64] == b"\0\0\0\2"
    assert struct.unpack(">I", raw[64:68])[0] == ~(sum(raw) - sum(raw[64:68])) & 0xFFFFFFFF
    assert raw[68:84] == ID and vhd.problems(raw) == []


# The values that their sources write: QEMU block/vpc.c, VirtualBox src/VBox/Storage/VHD.cpp; Hyper-V's as the
# specification of 2006 and later disks have them.
FOREIGN = {
    "qemu-img": (b"qemu", 0x00050003, b"Wi2k", (963, 8, 17)),
    "qemu-img with force_size": (b"qem2", 0x00050003, b"Wi2k", (65535, 16, 255)),
    "VirtualBox": (b"vbox", 0x00040000, b"Wi2k", (963, 8, 17)),
    "Hyper-V": (b"win ", 0x00060001, b"Wi2k", (963, 8, 17)),
    "Virtual PC on a Macintosh": (b"vpc ", 0x00050000, b"Mac ", (963, 8, 17)),
}


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_footers_of_others_are_read_right(name):
    creator, version, host, geometry = FOREIGN[name]
    raw = put(put(put(fixed(), 28, creator), 32, struct.pack(">I", version)), 36, host)
    raw = mended(put(raw, 56, struct.pack(">HBB", *geometry)))
    found = vhd.footer(raw)
    assert (found.creator, found.creator_version, found.host, found.geometry) == (creator, version, host, geometry)
    assert (found.current_size, found.kind, found.created) == (64 * MIB, vhd.FIXED, NOW)
    assert vhd.problems(raw) == []
    assert name.split()[0].rstrip("s") in vhd.creator(found)


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="there is no qemu-img")
@pytest.mark.parametrize(
    "options, kind", [("subformat=fixed,force_size", 2), ("subformat=fixed", 2), ("subformat=dynamic", 3)]
)
def test_what_qemu_img_writes_is_right(tmp_path, options, kind):
    path = str(tmp_path / "disk.vhd")
    subprocess.run(["qemu-img", "create", "-q", "-f", "vpc", "-o", options, path, "64M"], check=True)
    with open(path, "rb") as stream:
        content = stream.read()
    assert vhd.footer(content[-512:]).kind == kind and vhd.problems(content[-512:]) == []
    if kind == vhd.DYNAMIC:
        assert content[:512] == content[-512:]
        at = vhd.footer(content[:512]).data_offset
        head = content[at : at + 1024]
        assert vhd.header_problems(head, vhd.footer(content[:512]).current_size) == []
        for offset, word in ((36, "header checksum"), (24, "header version"), (28, "table entries"), (32, "block")):
            wrong = put(head, offset, b"\0\0\0\0")
            assert word in " ".join(one.field for one in vhd.header_problems(wrong, 64 * MIB))


@pytest.mark.parametrize(
    "at, content, field",
    [
        (8, b"\0\0\0\0", "features"), (12, b"\0\2\0\0", "version"), (16, b"\0" * 8, "data offset"),
        (48, struct.pack(">Q", 64 * MIB + 1), "current size"), (48, b"\0" * 8, "current size"),
        (60, b"\0\0\0\7", "disk type"), (84, b"\7", "saved state"), (200, b"x", "reserved bytes"),
    ],
)  # fmt: skip
def test_every_wrong_field_is_named(at, content, field):
    raw = put(fixed(), at, content)
    assert {one.field for one in vhd.problems(mended(raw))} == {field}
    assert {one.field for one in vhd.problems(raw)} == {field, "checksum"}


def test_a_flipped_bit_anywhere_is_found():
    raw = fixed()
    for at in range(8, 512):
        assert vhd.problems(put(raw, at, bytes([raw[at] ^ 1]))), at


def test_without_the_cookie_there_is_no_footer():
    for raw in (b"", b"conecti" + bytes(505), bytes(512), fixed()[:510]):
        with pytest.raises(Malformed, match="no VHD footer"):
            vhd.footer(raw)


@given(st.binary(min_size=503, max_size=504))
def test_any_bytes_behind_the_cookie_are_told(rest):
    raw = b"conectix" + rest
    assert isinstance(vhd.problems(raw.ljust(512, b"\0")), list)
    assert isinstance(vhd.creator(vhd.footer(raw)), str)


@given(st.integers(1, 1 << 45).map(lambda size: size * 512))
def test_no_geometry_holds_more_than_the_disk(size):
    found = vhd.geometry(size)
    assert found.size <= size or found.cylinders == 0
    assert found.cylinders <= 65535 and found.heads <= 16 and found.sectors in (17, 31, 63, 255)


@given(st.binary(max_size=70000), st.binary(max_size=512))
def test_any_file_has_a_kind(head, tail):
    assert diskimage.recognized(head, tail).name


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="there is no qemu-img")
@pytest.mark.parametrize("name", ["qcow2", "vmdk", "vdi", "vhdx", "qed", "parallels", "raw"])
def test_kinds_are_known_by_their_signature(tmp_path, name):
    path = str(tmp_path / "disk")
    subprocess.run(["qemu-img", "create", "-q", "-f", name, path, "4M"], check=True)
    with open(path, "rb") as stream:
        content = stream.read()
    assert diskimage.recognized(content[: diskimage.HEAD], content[-512:]).name == name
