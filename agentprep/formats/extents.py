"""Where a compressed stream inside a file ends, found without decompressing it.

A tool that is given more than its stream swallows what follows or calls it garbage.  Every function takes a seekable
file and where the stream begins, and returns the position after it; Truncated when the file ends before, Malformed for
what the kernel's own decompressor refuses.
"""

import struct
import zlib
from typing import BinaryIO, List

from agentprep.errors import Malformed
from agentprep.formats.cpio import Truncated

_SCANNED = 1 << 20
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_LZ4_MAGIC = b"\x02\x21\x4c\x18"
_LZO_MAGIC = b"\x89LZO\0\r\n\x1a\n"
_XZ_MAGIC = b"\xfd7zXZ\0"
_LZ4_LONGEST = (8 << 20) + (8 << 20) // 255 + 16  # LZ4_compressBound() of lib/decompress_unlz4.c's 8 MiB


def zstd(stream: BinaryIO, start: int) -> int:
    """One frame, by RFC 8878, section 3.1.1."""
    descriptor = _after(_ZSTD_MAGIC, stream, start, 1)[0]
    single, checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
    content_size = (single, 2, 4, 8)[descriptor >> 6]
    at = start + 5 + (not single) + (0, 1, 2, 4)[descriptor & 3] + content_size
    last = 0
    while not last:
        block = int.from_bytes(_exactly(stream, at, 3), "little")
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        if kind == 3:
            raise Malformed(f"its zstd stream is corrupt: a block of no known kind is at byte {at}")
        at += 3 + (1 if kind == 1 else size)
    return _within(stream, at + 4 * checksum)


def lz4(stream: BinaryIO, start: int) -> int:
    """Chunks of the legacy format until the file ends or zeros follow; a second magic goes on with chunks.

    The kernel knows no other end either (lib/decompress_unlz4.c): anything else that follows, it takes for a chunk.
    """
    _after(_LZ4_MAGIC, stream, start, 0)
    at = start + 4
    while True:
        raw = _some(stream, at, 4)
        size = int.from_bytes(raw, "little")
        if len(raw) < 4 or size == 0:
            return at
        at += 4
        if raw == _LZ4_MAGIC:
            continue
        if size > _LZ4_LONGEST:
            raise Malformed(f"its lz4 stream is followed by garbage, or corrupt, at byte {at - 4}")
        at = _within(stream, at + size)


def lzo(stream: BinaryIO, start: int) -> int:
    """One lzop file, as lib/decompress_unlzo.c and lzop 1.04 itself read it."""
    version = int.from_bytes(_after(_LZO_MAGIC, stream, start, 2), "big")
    at = start + 9 + 2 + 2 + (2 if version >= 0x0940 else 0) + 1 + (1 if version >= 0x0940 else 0)
    flags = int.from_bytes(_exactly(stream, at, 4), "big")
    at += 4 + (4 if flags & 0x800 else 0) + 4 + 4 + (4 if version >= 0x0940 else 0)
    at += 1 + _exactly(stream, at, 1)[0] + 4
    if flags & 0x40:
        at += 4 + int.from_bytes(_exactly(stream, at, 4), "big") + 4
    whole_sums = 4 * bool(flags & 0x1) + 4 * bool(flags & 0x100)
    packed_sums = 4 * bool(flags & 0x2) + 4 * bool(flags & 0x200)
    while True:
        whole = int.from_bytes(_exactly(stream, at, 4), "big")
        if not whole:
            return at + 4
        packed = int.from_bytes(_exactly(stream, at + 4, 4), "big")
        at = _within(stream, at + 8 + whole_sums + (packed_sums if packed < whole else 0) + packed)


def xz(stream: BinaryIO, start: int) -> int:
    """One stream, by the .xz file format 1.2.1: its footer is the first whose index adds up to where it stands."""
    flags = _after(_XZ_MAGIC, stream, start, 6)[:2]
    if flags not in (b"\0\0", b"\0\1"):
        raise Malformed(
            "its xz stream has a check that the kernel does not know (Documentation/staging/xz.rst)",
            "Build it with 'xz --check=crc32'.",
        )
    at = start + 12
    tail = b""
    while True:
        piece = _some(stream, at, _SCANNED)
        if not piece:
            raise Truncated(f"its xz stream, which begins at byte {start}, is cut short or corrupt: it has no end")
        window = tail + piece
        for end in _footer_ends(window, at - len(tail) - start, flags):
            if _index_adds_up(stream, start, start + end):
                return start + end
        at += len(piece)
        tail = window[-11:]


def _footer_ends(window: bytes, offset: int, flags: bytes) -> List[int]:
    """Where footers that are right in themselves end, counted like ``offset``, at which the window begins."""
    ends = []
    found = window.find(b"YZ", 10)
    while found >= 0:
        footer = window[found - 10 : found + 2]
        if not (offset + found + 2) % 4 and footer[8:10] == flags and _crc(footer[4:10]) == footer[:4]:
            ends.append(offset + found + 2)
        found = window.find(b"YZ", found + 1)
    return ends


def _index_adds_up(stream: BinaryIO, start: int, end: int) -> bool:
    size = (int.from_bytes(_some(stream, end - 8, 4), "little") + 1) * 4
    if size > end - start - 24:
        return False
    index = _some(stream, end - 12 - size, size)
    if index[:1] != b"\0" or _crc(index[:-4]) != index[-4:]:
        return False
    numbers = _numbers(index[1:-4])
    packed = numbers[1 : 1 + 2 * numbers[0] : 2] if numbers else []
    return 12 + sum(-(-length // 4) * 4 for length in packed) + size + 12 == end - start


def _numbers(coded: bytes) -> List[int]:
    """The multibyte integers of section 1.2, and a zero for each byte of padding."""
    numbers, number, shift = [], 0, 0
    for byte in coded:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(number)
            number, shift = 0, 0
    return numbers


def _crc(content: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(content) & 0xFFFFFFFF)


def _after(magic: bytes, stream: BinaryIO, start: int, size: int) -> bytes:
    """The ``size`` bytes after the whole magic, of which only the first two have been seen."""
    found = _exactly(stream, start, len(magic) + size)
    if not found.startswith(magic):
        raise Malformed(f"there is garbage at byte {start}, where the kernel looks for an archive")
    return found[len(magic) :]


def _some(stream: BinaryIO, at: int, size: int) -> bytes:
    stream.seek(at)
    return stream.read(size)


def _exactly(stream: BinaryIO, at: int, size: int) -> bytes:
    found = _some(stream, at, size)
    if len(found) < size:
        raise Truncated(f"it is cut short: a compressed stream goes on at byte {at + len(found)}, where the file ends")
    return found


def _within(stream: BinaryIO, at: int) -> int:
    """``at``, which is not after the end of the file."""
    _exactly(stream, at - 1, 1)
    return at
