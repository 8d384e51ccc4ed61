"""Partition tables of a disk, MBR and GPT, with ids as blkid prints them (PART_ENTRY_TYPE, PART_ENTRY_UUID)."""

import struct
import uuid
import zlib
from typing import Callable, List, NamedTuple, Optional

from agentprep.errors import Malformed

EXTENDED = ("0x5", "0xf", "0x85")
PROTECTIVE = "0xee"  # the one partition of an MBR that says: see the GPT
GPT_SECTORS = 34  # how many sectors ``gpt`` looks at: the MBR, the header and 128 entries of 128 bytes

_LONGEST_CHAIN = 256
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_HINT = "Look at the disk with 'sfdisk --verify'."


class Partition(NamedTuple):
    """One partition; ``start`` and ``size`` are in sectors of the disk."""

    number: int
    start: int
    size: int
    kind: str  # "0x83", or the GUID of the type in lower case
    uuid: str  # PARTUUID; empty when the disk has no signature
    name: str  # empty in an MBR


def mbr(sector: bytes, read: Optional[Callable[[int], bytes]] = None) -> List[Partition]:
    """The partitions of a DOS disk label, from its first sector; empty entries are left out.

    ``read`` gives any sector of the disk by its number; with it, logical partitions are there too, numbered from 5.
    Malformed for anything else than a DOS disk label, most boot sectors of file systems included.
    """
    signature = int.from_bytes(sector[440:444], "little")
    entries = enumerate(_entries(sector), 1)
    found = [_partition(number, entry, 0, signature) for number, entry in entries if entry[4] and any(entry[12:])]
    outer = [partition for partition in found if partition.kind in EXTENDED]
    return found + _logical(outer[0], read, signature) if read and outer else found


def gpt(head: bytes, sector_size: int = 512) -> List[Partition]:
    """The partitions of a GPT, from the first GPT_SECTORS sectors of the disk; unused entries are left out.

    Malformed where there is no GPT, or a checksum of it is wrong (the copy at the end of the disk is not looked at).
    """
    header = head[sector_size : 2 * sector_size]
    if len(header) < _HEADER.size or header[:8] != b"EFI PART":
        raise Malformed("it has no GPT", _HINT)
    _, _, length, checksum, _, own, _, _, _, _, table, count, size, table_checksum = _HEADER.unpack_from(header)
    if not _HEADER.size <= length <= sector_size or own != 1:
        raise Malformed("the header of its GPT is not right", _HINT)
    if zlib.crc32(header[:16] + bytes(4) + header[20:length]) != checksum:
        raise Malformed("the checksum of its GPT's header is wrong", _HINT)
    entries = head[table * sector_size : table * sector_size + count * size]
    if size < 128 or size % 8 or len(entries) < count * size:
        raise Malformed(f"its GPT has {count} entries of {size} bytes, more than is read of it here", _HINT)
    if zlib.crc32(entries) != table_checksum:
        raise Malformed("the checksum of its GPT's entries is wrong", _HINT)
    found = []
    for number in range(1, count + 1):
        entry = entries[(number - 1) * size : number * size]
        if any(entry[:16]):
            first, last = struct.unpack_from("<QQ", entry, 32)
            name = entry[56:128].decode("utf-16-le", "replace").partition("\0")[0]
            found.append(Partition(number, first, last - first + 1, _guid(entry[:16]), _guid(entry[16:32]), name))
    return found


def _entries(sector: bytes) -> List[bytes]:
    if len(sector) < 512 or sector[510:512] != b"\x55\xaa":
        raise Malformed("it has no partition table", _HINT)
    entries = [sector[at : at + 16] for at in range(446, 510, 16)]
    if any(entry[0] not in (0, 0x80) for entry in entries):  # then libblkid takes it for a boot sector
        raise Malformed("its first sector is no partition table", _HINT)
    return entries


def _partition(number: int, entry: bytes, base: int, signature: int) -> Partition:
    start, size = struct.unpack_from("<II", entry, 8)
    own = f"{signature:08x}-{number:02x}" if signature else ""
    return Partition(number, base + start, size, hex(entry[4]), own, "")


def _logical(outer: Partition, read: Callable[[int], bytes], signature: int) -> List[Partition]:
    """A chain of tables, each with a partition counted from it and the next table counted from ``outer``."""
    found: List[Partition] = []
    at = outer.start
    for _ in range(_LONGEST_CHAIN):
        links = []
        for entry in _entries(read(at)):
            one = _partition(5 + len(found), entry, at, signature)
            if one.kind in EXTENDED and one.size:
                links.append(outer.start + one.start - at)
            elif entry[4] and one.size:
                found.append(one)
        if not links:
            return found
        at = links[0]
    raise Malformed("its logical partitions have no end", _HINT)


def _guid(raw: bytes) -> str:
    return str(uuid.UUID(bytes_le=raw))
