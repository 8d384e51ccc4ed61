"""Where a GPT's two copies lie, and how the second one is moved when the disk's end has moved.

Source: UEFI Specification 2.10, chapter 5.3: the primary header is the second sector, the backup header the last one of
the disk with its table before it, and each names the place of the other.
"""

import struct
import zlib
from typing import NamedTuple, Tuple

from agentprep.errors import Malformed

from .partitions import GPT_SECTORS, PROTECTIVE, gpt, mbr

SECTOR = 512
SIGNATURE = b"EFI PART"

_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_HINT = "look at the disk with: sfdisk --verify FILE"


class Header(NamedTuple):
    """The fields of a header that say where things are; places are numbers of sectors."""

    raw: bytes
    own: int
    other: int
    first_usable: int
    last_usable: int
    table: int
    entries: int
    entry_size: int

    @property
    def table_sectors(self) -> int:
        return -(-self.entries * self.entry_size // SECTOR)


class Moved(NamedTuple):
    """What is to be written, in this order, each on the disk before the next: (offset in bytes, bytes).

    After each write the primary header and its table are whole, so that a cut between two of them costs nothing.
    """

    writes: Tuple[Tuple[int, bytes], ...]


def header(sector: bytes) -> Header:
    """The header that a sector holds; Malformed where it holds none or its checksum is wrong."""
    if len(sector) < _HEADER.size or sector[:8] != SIGNATURE:
        raise Malformed("it has no GPT header there", _HINT)
    _, _, length, checksum, _, own, other, first, last, _, table, count, size, _ = _HEADER.unpack_from(sector)
    if not _HEADER.size <= length <= len(sector):
        raise Malformed("the length in its GPT header is wrong", _HINT)
    if zlib.crc32(sector[:16] + bytes(4) + sector[20:length]) != checksum:
        raise Malformed("the checksum of its GPT header is wrong", _HINT)
    return Header(sector[:length], own, other, first, last, table, count, size)


def matches(primary: Header, last_sector: bytes, sectors: int) -> str:
    """Why the last sector of a disk of so many sectors is not the backup of this primary header, or ""."""
    if primary.other != sectors - 1:
        return "the backup GPT header is expected in sector %d, and the last one is %d" % (primary.other, sectors - 1)
    try:
        backup = header(last_sector)
    except Malformed as error:
        return "in the last sector: " + error.message
    if (backup.own, backup.other, backup.raw[56:72]) != (sectors - 1, 1, primary.raw[56:72]):
        return "the header in the last sector is not that of this disk"
    return ""


def relocated(head: bytes, sectors: int) -> Moved:
    """The writes that put the backup at the end of a disk of ``sectors`` sectors, given its first GPT_SECTORS sectors.

    Malformed where there is no whole GPT, where a partition reaches into the place of the backup, or the table is
    larger than what is read of it.
    """
    parts = gpt(head)
    old = header(head[SECTOR : 2 * SECTOR])
    table = head[old.table * SECTOR : old.table * SECTOR + old.entries * old.entry_size]
    at = sectors - 1 - old.table_sectors
    beyond = [part for part in parts if part.start + part.size > at]
    if beyond:
        raise Malformed("partition %d of its GPT ends beyond the disk's end" % beyond[0].number, _HINT)
    if len(table) < old.entries * old.entry_size:
        raise Malformed("its GPT has %d entries of %d bytes" % (old.entries, old.entry_size), _HINT)
    last = at - 1
    backup = _written(old.raw, sectors - 1, 1, last, at)
    primary = _written(old.raw, 1, sectors - 1, last, old.table)
    padded = table + bytes(old.table_sectors * SECTOR - len(table))
    writes = [(at * SECTOR, padded + backup), (SECTOR, primary)]
    guard = _protective(head[:SECTOR], sectors)
    if guard != head[:SECTOR]:
        writes.append((0, guard))
    return Moved(tuple(writes))


def _written(raw: bytes, own: int, other: int, last: int, table: int) -> bytes:
    raw = raw[:16] + bytes(4) + raw[20:24] + struct.pack("<QQ", own, other) + raw[40:48] + struct.pack("<Q", last) + (
        raw[56:72] + struct.pack("<Q", table) + raw[80:])  # fmt: skip
    raw = raw[:16] + struct.pack("<I", zlib.crc32(raw)) + raw[20:]
    return raw + bytes(SECTOR - len(raw))


def _protective(sector: bytes, sectors: int) -> bytes:
    """The MBR in front of a GPT, its one partition as long as the disk; another MBR (a hybrid one) stays as it is."""
    parts = mbr(sector)
    if len(parts) != 1 or parts[0].kind != PROTECTIVE or parts[0].number != 1 or parts[0].start != 1:
        return sector
    return sector[:458] + struct.pack("<I", min(sectors - 1, 0xFFFFFFFF)) + sector[462:]


HEAD = GPT_SECTORS * SECTOR
