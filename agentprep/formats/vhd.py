"""The footer and the headers of a virtual hard disk (VHD).

Source of every field: Microsoft, "Virtual Hard Disk Image Format Specification", version 1.0 of 2006-10-11.  Numbers
are big-endian; sizes are bytes; times are Unix seconds (in the file: seconds since 2000-01-01 00:00 UTC).
"""

import struct
from typing import List, NamedTuple

from agentprep.errors import Malformed

COOKIE, SPARSE_COOKIE = b"conectix", b"cxsparse"
SIZE = 512  # of a footer; of a dynamic disk's header it is 1024
HEADER_SIZE = 1024
OLD_SIZE = 511  # of a footer that was written before Virtual PC 2004
FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4
KINDS = {FIXED: "fixed", DYNAMIC: "dynamic", DIFFERENCING: "differencing"}
SECTOR = 512
EPOCH = 946684800
NOWHERE = 0xFFFFFFFFFFFFFFFF  # the data offset of a fixed disk
RESERVED = 0x2  # the one feature bit that is always set
VERSION = 0x00010000

# Creators whose size in bytes counts; that of any other is cylinders x heads x sectors (qemu, block/vpc.c).
BY_SIZE = (b"win ", b"qem2", b"d2v ", b"tap\0", b"CTXS", b"wa\0\0")
CREATORS = {
    b"vpc ": "Virtual PC", b"vs  ": "Virtual Server", b"win ": "Hyper-V", b"qemu": "qemu-img", b"qem2": "qemu-img",
    b"vbox": "VirtualBox", b"d2v ": "Disk2vhd", b"tap\0": "XenServer", b"CTXS": "XenConverter", b"wa\0\0": "Azure",
}  # fmt: skip
HOSTS = {b"Wi2k": "Windows", b"Mac ": "Macintosh"}

_FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB")
_HEADER = struct.Struct(">8sQQIIII16sI")


class Geometry(NamedTuple):
    """Cylinders, heads and sectors per track, as an ATA controller is told."""

    cylinders: int
    heads: int
    sectors: int

    @property
    def size(self) -> int:
        return self.cylinders * self.heads * self.sectors * SECTOR


LARGEST = Geometry(65535, 16, 255)  # qemu-img writes it with force_size


class Footer(NamedTuple):
    """What a footer says, right or wrong."""

    cookie: bytes
    features: int
    version: int
    data_offset: int
    created: int
    creator: bytes
    creator_version: int
    host: bytes
    original_size: int
    current_size: int
    geometry: Geometry
    kind: int
    checksum: int
    unique_id: bytes
    saved_state: int


class Header(NamedTuple):
    """What the header of a dynamic or differencing disk says, right or wrong."""

    cookie: bytes
    data_offset: int
    table_offset: int
    version: int
    entries: int
    block_size: int
    checksum: int
    parent_id: bytes


class Problem(NamedTuple):
    """One field that is not what the specification says: its name, what it is, what it should be."""

    field: str
    found: str
    right: str


def geometry(size: int) -> Geometry:
    """The geometry of a disk of so many bytes (the specification's appendix "CHS Calculation")."""
    sectors = min(size // SECTOR, 65535 * 16 * 255)
    if sectors >= 65535 * 16 * 63:
        track, heads, tracks = 255, 16, sectors // 255
    else:
        track, tracks = 17, sectors // 17
        heads = max(4, (tracks + 1023) // 1024)
        if tracks >= heads * 1024 or heads > 16:
            track, heads, tracks = 31, 16, sectors // 31
        if tracks >= heads * 1024:
            track, heads, tracks = 63, 16, sectors // 63
    return Geometry(tracks // heads, heads, track)


def checksum(raw: bytes, at: int) -> int:
    """The one's complement of the sum of all bytes but the four of the checksum itself, which are at ``at``."""
    return ~(sum(raw) - sum(raw[at : at + 4])) & 0xFFFFFFFF


def fixed(size: int, created: int, unique_id: bytes) -> bytes:
    """The footer of a fixed disk of ``size`` bytes.

    The creator is Hyper-V's code: with a code that it does not know, qemu takes the disk to be as large as its geometry
    says, which is not a whole number of MiB.
    """
    assert size > 0 and not size % SECTOR and len(unique_id) == 16
    raw = _FOOTER.pack(
        COOKIE, RESERVED, VERSION, NOWHERE, max(0, min(created - EPOCH, 0xFFFFFFFF)), b"win ", VERSION, b"Wi2k",
        size, size, *geometry(size), FIXED, 0, unique_id, 0,
    )  # fmt: skip
    raw += bytes(SIZE - len(raw))
    return raw[:64] + struct.pack(">I", checksum(raw, 64)) + raw[68:]


def footer(raw: bytes) -> Footer:
    """What the 512 (or 511) bytes say; Malformed without the cookie of a footer."""
    if len(raw) < OLD_SIZE or raw[:8] != COOKIE:
        raise Malformed("it has no VHD footer", "look what it is with: qemu-img info FILE")
    (cookie, features, version, offset, created, creator, creator_version, host, original, current, cylinders, heads,
     track, kind, own, unique, saved) = _FOOTER.unpack_from(raw)  # fmt: skip
    return Footer(
        cookie, features, version, offset, created + EPOCH, creator, creator_version, host, original, current,
        Geometry(cylinders, heads, track), kind, own, unique, saved,
    )  # fmt: skip


def header(raw: bytes) -> Header:
    """What the 1024 bytes say; Malformed without the cookie of a dynamic disk's header."""
    if len(raw) < HEADER_SIZE or raw[:8] != SPARSE_COOKIE:
        raise Malformed("it has no header of a dynamic VHD", "look at it with: qemu-img check -f vpc FILE")
    cookie, offset, table, version, entries, block, own, parent, _ = _HEADER.unpack_from(raw)
    return Header(cookie, offset, table, version, entries, block, own, parent)


def problems(raw: bytes) -> List[Problem]:
    """The fields of a footer that are not as the specification has them; none in a good one.

    The geometry is not among them: qemu-img writes the largest there is with force_size, and Azure goes by the size.
    """
    found, own = footer(raw), checksum(raw[:SIZE], 64)
    wrong: List[Problem] = []

    def judge(holds: bool, field: str, value: str, right: str) -> None:
        if not holds:
            wrong.append(Problem(field, value, right))

    judge(found.checksum == own, "checksum", "0x%08x" % found.checksum, "0x%08x" % own)
    judge(found.features & ~1 == RESERVED, "features", "0x%x" % found.features, "0x%x" % RESERVED)
    judge(found.version >> 16 == 1, "version", "0x%08x" % found.version, "0x%08x" % VERSION)
    judge(found.kind in KINDS, "disk type", str(found.kind), "2 (fixed)")
    size = found.current_size
    judge(size > 0 and not size % SECTOR and size < 1 << 63, "current size", str(size), "a multiple of 512")
    if found.kind == FIXED:
        judge(found.data_offset == NOWHERE, "data offset", "0x%x" % found.data_offset, "0x%x" % NOWHERE)
    elif found.kind in KINDS:
        good = SIZE <= found.data_offset < 1 << 63
        judge(good, "data offset", "0x%x" % found.data_offset, "where the dynamic header begins")
    judge(found.saved_state in (0, 1), "saved state", str(found.saved_state), "0")
    judge(not any(raw[85:SIZE]), "reserved bytes", "not zero", "zero")
    return wrong


def header_problems(raw: bytes, size: int) -> List[Problem]:
    """The same of a dynamic disk's header, for a disk of ``size`` bytes."""
    found, own = header(raw), checksum(raw[:HEADER_SIZE], 36)
    wrong: List[Problem] = []
    if found.checksum != own:
        wrong.append(Problem("header checksum", "0x%08x" % found.checksum, "0x%08x" % own))
    if found.version >> 16 != 1:
        wrong.append(Problem("header version", "0x%08x" % found.version, "0x%08x" % VERSION))
    if found.block_size < SECTOR or found.block_size & (found.block_size - 1):
        wrong.append(Problem("block size", str(found.block_size), "a power of two, 2097152 as a rule"))
    elif found.entries * found.block_size < size:
        blocks = -(-size // found.block_size)
        wrong.append(Problem("table entries", str(found.entries), "%d or more" % blocks))
    return wrong


def creator(found: Footer) -> str:
    """Who wrote the footer, by its code."""
    code = found.creator.decode("ascii", "replace").rstrip("\0 ")
    return "%s (%s)" % (CREATORS[found.creator], code) if found.creator in CREATORS else repr(code)
