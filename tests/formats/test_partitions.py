import base64
import json
import os
import shutil
import struct
import subprocess
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats.partitions import GPT_SECTORS, gpt, mbr

PATH = os.defpath + ":/usr/sbin:/sbin"
# The first 34 sectors of 4096 bytes of a disk that sfdisk 2.38 partitioned, packed.
SECTORS_OF_4096 = """
    eNpjYBgFQxkwMbz7//8/I5D1P5l03aGrRkNwFIyCUTAKRsEoGAWjYBSMglEwCkYGcHXzVAhwDAphYGBkiAHy1V2fioLEGaHy8F4l
    VOAXlL+gV8XksoD3wel7H4ZtfqQ+kwmqrAGK77gqzx4N3VEwCkbBKBgFo2AUjIJRMApGwSgYBaNgcACNYq2D8j8uCe7yZlhw0u6k
    tZjB6SMxr/wj1zxKL+t8Ut0J6/f/56KN/ettj/E3txS591XaZt5wr32Su8ZYy/C9c1Cno2Kr5Zzzyxm4ofbLoeorZihnSGQoAACa
    8zqE
"""

DOS = """label: dos
label-id: 0x1234abcd
size=10MiB, type=83, bootable
size=20MiB, type=82
type=5
size=5MiB
size=6MiB, type=8e
size=7MiB
"""
GPT = """label: gpt
size=10MiB, type=U, name="EFI system"
size=20MiB, type=S
3: size=5MiB, type=L, uuid=01234567-89AB-CDEF-0123-456789ABCDEF
7: size=5MiB, type=L
"""


@pytest.fixture
def disk(tmp_path):
    """A function: script of sfdisk -> the image that it makes."""
    if not shutil.which("sfdisk", path=PATH):
        pytest.skip("there is no sfdisk to partition an image with")
    path = tmp_path / "disk"

    def made(script):
        with path.open("wb") as image:
            image.truncate(200 << 20)
        tool("sfdisk", "-q", "--no-reread", str(path), stdin=script.encode())
        return path

    return made


def tool(*argv, stdin=b""):
    return subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, check=True, env={"PATH": PATH}).stdout.decode()


def as_sfdisk_says(path, key):
    """What is comparable of each partition, from sfdisk and from blkid."""
    rows = []
    for row in json.loads(tool("sfdisk", "-J", str(path)))["partitiontable"]["partitions"]:
        number = int(row["node"][len(str(path)) :])
        texts = (key(row["type"]), row.get("uuid", "").lower(), row.get("name", ""))
        rows.append((number, row["start"], row["size"]) + texts)
    return rows


def test_mbr_with_logical_partitions(disk):
    path = disk(DOS)
    with path.open("rb") as image:

        def read(number):
            image.seek(512 * number)
            return image.read(512)

        found = mbr(read(0), read)
        assert mbr(read(0)) == [p for p in found if p.number < 5]
    assert [p._replace(uuid="") for p in found] == as_sfdisk_says(path, lambda kind: "0x" + kind)
    assert [p.uuid for p in found] == [f"1234abcd-0{number}" for number in (1, 2, 3, 5, 6, 7)]


def test_gpt(disk):
    path = disk(GPT)
    found = gpt(path.read_bytes()[: GPT_SECTORS * 512])
    assert [tuple(p) for p in found] == as_sfdisk_says(path, str.lower)
    assert [p.number for p in found] == [1, 2, 3, 7] and found[0].name == "EFI system"
    assert [p.kind for p in mbr(path.read_bytes()[:512])] == ["0xee"]


def test_gpt_of_large_sectors():
    head = zlib.decompress(base64.b64decode(SECTORS_OF_4096)).ljust(GPT_SECTORS * 4096, b"\0")
    efi, linux = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "0fc63daf-8483-4772-8e79-3d69d8477de4"
    assert gpt(head, 4096) == [
        (1, 256, 2560, efi, "c4cb3016-ea5c-594f-ace2-677689e47b89", ""),
        (2, 2816, 5120, linux, "2a33ac6d-ef31-5243-8941-2185399ccfa7", "swap"),
    ]
    with pytest.raises(Malformed, match="no GPT"):
        gpt(head)
    for at in (4096 + 9, 4096 + 60, 6 * 1024 * 2 + 4096, 3 * 4096 - 4096 + 40):
        damaged = bytearray(head)
        damaged[at] ^= 1
        with pytest.raises(Malformed, match="checksum"):
            gpt(bytes(damaged), 4096)


def table(*entries, signature=0x1234ABCD):
    rows = b"".join(struct.pack("<B3xB3xII", 0, kind, start, size) for kind, start, size in entries)
    return bytes(440) + struct.pack("<I2x", signature) + rows.ljust(64, b"\0") + b"\x55\xaa"


def test_a_disk_without_a_signature_has_no_ids():
    assert mbr(table((0x83, 2048, 9), signature=0)) == [(1, 2048, 9, "0x83", "", "")]


def test_empty_entries_keep_the_numbers_of_the_others():
    found = mbr(table((0, 0, 0), (0x82, 5, 6), (0x83, 9, 0), (0x83, 11, 1)))
    assert [(p.number, p.kind, p.start) for p in found] == [(2, "0x82", 5), (4, "0x83", 11)]


def test_a_chain_that_does_not_end_is_told():
    sectors = {0: table((0xF, 100, 900)), 100: table((0x83, 1, 9), (5, 50, 50)), 150: table((0x83, 1, 9), (5, 0, 50))}
    with pytest.raises(Malformed, match="no end"):
        mbr(sectors[0], sectors.__getitem__)
    sectors[150] = table((0x8E, 1, 9))
    assert [(p.number, p.start, p.kind) for p in mbr(sectors[0], sectors.__getitem__)][1:] == [
        (5, 101, "0x83"),
        (6, 151, "0x8e"),
    ]


@pytest.mark.parametrize("sector", [b"", bytes(512), bytes(510) + b"\x55\xaa"[:1], b"\x01" * 510 + b"\x55\xaa"])
def test_other_sectors_are_no_table(sector):
    with pytest.raises(Malformed, match="no partition table"):
        mbr(sector)


@given(st.binary(max_size=512), st.binary(max_size=600))
def test_any_bytes_raise_malformed_or_nothing(start, rest):
    """What is checked first is made right, so that what comes after it is reached."""
    header = bytearray((b"EFI PART" + rest).ljust(512, b"\0"))
    header[12:16] = struct.pack("<I", 92)
    header[24:32] = struct.pack("<Q", 1)
    header[16:20] = struct.pack("<I", zlib.crc32(bytes(header[:16]) + bytes(4) + bytes(header[20:92])))
    sector = bytearray(start.ljust(510, b"\0")[:510] + b"\x55\xaa")
    sector[446:510:16] = bytes(4)
    readers = (
        lambda: mbr(start),
        lambda: mbr(bytes(sector), lambda number: bytes(sector)),
        lambda: gpt(bytes(512) + bytes(header)),
    )
    for reader in readers:
        try:
            reader()
        except Malformed:
            pass
