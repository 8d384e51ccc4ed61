"""Which file system, swap or container a device holds, read from its first bytes as libblkid (util-linux 2.38) does.

Kinds are libblkid's: ext2 ext3 ext4 jbd xfs btrfs vfat swap swsuspend crypto_LUKS LVM2_member.  UUIDs are spelled as
blkid prints them and /etc/fstab wants them.
"""

import struct
import uuid
import zlib
from typing import Callable, List, NamedTuple, Optional

from agentprep.errors import Malformed

HEAD = 68 << 10  # how many of the first bytes ``identify`` looks at: the superblock of btrfs is at 64 KiB

_PAGE_SIZES = (4096, 8192, 16384, 32768, 65536)
_XFS_BLOCKS = tuple(1 << bits for bits in range(9, 17))
_SWAPS = (b"SWAPSPACE2", b"SWAP-SPACE")
_SUSPENDED = (b"S1SUSPEND\0", b"S2SUSPEND\0", b"ULSUSPEND\0", b"LINHIB0001")


class Superblock(NamedTuple):
    """What a device says it holds; an empty ``uuid`` or ``label`` means that it has none."""

    kind: str
    uuid: str
    label: str


def identify(head: bytes) -> Optional[Superblock]:
    """What the device holds whose first bytes these are, up to HEAD of them; None for nothing that is known here.

    A container (LUKS, LVM) is what it is whatever else the bytes look like.  Malformed when two kinds of file system
    are there, which blkid calls ambivalent and does not tell apart either.
    """
    for container in (_lvm(head), _luks(head)):
        if container:
            return container
    found = [superblock for superblock in (probe(head) for probe in _PROBES) if superblock]
    if len(found) > 1:
        raise Malformed(
            "it looks like {} at the same time".format(" and ".join(superblock.kind for superblock in found)),
            "Wipe the signature that is left over, see wipefs(8), and try again.",
        )
    return found[0] if found else None


def _lvm(head: bytes) -> Optional[Superblock]:
    """The label is in one of the first four sectors: lib/format_text/layout.h of LVM2."""
    for sector in range(4):
        label = head[512 * sector : 512 * sector + 512]
        if len(label) < 512 or label[:8] != b"LABELONE" or label[24:32] != b"LVM2 001":
            continue
        where, checksum, offset = struct.unpack_from("<QII", label, 8)
        # LVM2's own start value 0xf597a6cf, and no inversion at the end (lib/misc/crc.c)
        summed = zlib.crc32(label[20:], 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
        if where == sector and checksum == summed and offset <= 512 - 32:
            name = _text(label[offset : offset + 32])
            cuts = (0, 6, 10, 14, 18, 22, 26, 32)
            return Superblock("LVM2_member", "-".join(name[a:b] for a, b in zip(cuts, cuts[1:])), "")
    return None


def _luks(head: bytes) -> Optional[Superblock]:
    """LUKS1 and LUKS2 have the UUID as text in one place, only LUKS2 has a label (LUKS2 on-disk format, 2.1)."""
    if head[:6] != b"LUKS\xba\xbe" or len(head) < 208:
        return None
    version = int.from_bytes(head[6:8], "big")
    return Superblock("crypto_LUKS", _text(head[168:208]), _text(head[24:72]) if version == 2 else "")


def _ext(head: bytes) -> Optional[Superblock]:
    """ext2 to ext4 differ by their features only (libblkid/src/superblocks/ext.c)."""
    block = head[1024:2048]
    if len(block) < 1024 or block[56:58] != b"\x53\xef":
        return None
    compatible, incompatible, read_only = struct.unpack_from("<III", block, 0x5C)
    journal = compatible & 0x4
    if incompatible & 0x8:
        kind = "jbd"
    elif incompatible & ~(0x2 | 0x4 | 0x10) or read_only & ~0x7:
        kind = "ext4"
    elif journal:
        kind = "ext3"
    else:
        kind = "ext2"
    return Superblock(kind, _uuid(block[0x68:0x78]), _text(block[0x78:0x88]))


def _xfs(head: bytes) -> Optional[Superblock]:
    if head[:4] != b"XFSB" or len(head) < 512 or int.from_bytes(head[4:8], "big") not in _XFS_BLOCKS:
        return None
    return Superblock("xfs", _uuid(head[32:48]), _text(head[108:120]))


def _btrfs(head: bytes) -> Optional[Superblock]:
    block = head[0x10000:0x11000]
    if len(block) < 4096 or block[0x40:0x48] != b"_BHRfS_M":
        return None
    return Superblock("btrfs", _uuid(block[0x20:0x30]), _text(block[0x12B : 0x12B + 256]))


def _swap(head: bytes) -> Optional[Superblock]:
    """The header of version 1 is at byte 1024, the magic at the end of the first page (union swap_header)."""
    for size in _PAGE_SIZES:
        magic = head[size - 10 : size]
        if magic not in _SWAPS + _SUSPENDED:
            continue
        kind = "swap" if magic in _SWAPS else "swsuspend"
        if magic == b"SWAP-SPACE":
            return Superblock(kind, "", "")
        version, last_page = head[1024:1028], head[1028:1032]
        if version in (b"\1\0\0\0", b"\0\0\0\1") and last_page != bytes(4):
            return Superblock(kind, _uuid(head[1036:1052]), _text(head[1052:1068]))
    return None


def _vfat(head: bytes) -> Optional[Superblock]:
    """FAT12, 16 and 32 by the numbers that Linux itself checks (fat_read_bpb() in fs/fat/inode.c).

    The label is that of the boot sector; one that was changed later may be in the root folder only, out of reach here.
    """
    if len(head) < 512 or head[510:512] != b"\x55\xaa":
        return None
    sector, cluster, reserved, fats = struct.unpack_from("<HBHB", head, 11)
    media, fat16_length = struct.unpack_from("<BH", head, 21)
    fat32_length = int.from_bytes(head[36:40], "little")
    if sector not in (512, 1024, 2048, 4096) or not cluster or cluster & (cluster - 1) or not reserved or not fats:
        return None
    if not (media == 0xF0 or media >= 0xF8) or not (fat16_length or fat32_length):
        return None
    at = 0x26 if fat16_length else 0x42  # where the extended boot signature is
    if head[at] not in (0x28, 0x29):
        return Superblock("vfat", "", "")
    serial = head[at + 1 : at + 5]
    number = "{3:02X}{2:02X}-{1:02X}{0:02X}".format(*serial) if any(serial) else ""
    label = _text(head[at + 5 : at + 16]) if head[at] == 0x29 else ""
    return Superblock("vfat", number, "" if label == "NO NAME" else label)


_PROBES: List[Callable[[bytes], Optional[Superblock]]] = [_vfat, _swap, _xfs, _ext, _btrfs]


def _uuid(raw: bytes) -> str:
    return str(uuid.UUID(bytes=raw)) if any(raw) else ""


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].rstrip().decode("utf-8", "surrogateescape")
