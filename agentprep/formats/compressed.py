"""Compressed streams inside a file: which kind begins where, and its bytes decompressed.

The kinds and their first two bytes are the kernel's (lib/decompress.c, Linux 6.12).  gzip, bzip2 and lzma are
decompressed here; zstd, lz4 and lzo by tools, and xz too where there is the tool, since a dictionary of xz may have
64 MiB.
"""

import bz2
import lzma
import zlib
from typing import Any, BinaryIO, Callable, Iterator, Optional, Tuple

from agentprep.errors import Malformed, Unknown
from agentprep.formats import extents
from agentprep.formats.cpio import Truncated

CHUNK = 1 << 16
_LARGEST = 1 << 20  # bytes that one step of a decompressor yields at most

KINDS = {
    b"\x1f\x8b": "gzip",
    b"BZ": "bzip2",
    b"\x5d\x00": "lzma",
    b"\xfd7": "xz",
    b"\x89L": "lzo",
    b"\x02\x21": "lz4",
    b"\x28\xb5": "zstd",
}
_HERE = {
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "bzip2": bz2.BZ2Decompressor,
    "lzma": lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE),
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
}
_ELSEWHERE = {
    "xz": (("xz", "-q", "-d", "-c"), extents.xz),
    "lzo": (("lzop", "-q", "-d", "-c"), extents.lzo),
    "lz4": (("lz4", "-q", "-d", "-c"), extents.lz4),
    "zstd": (("zstd", "-q", "-d", "-c"), extents.zstd),
}


class Section:
    """Some bytes of a seekable file, read from front to back; nobody else reads the file meanwhile."""

    def __init__(self, stream: BinaryIO, start: int, end: int) -> None:
        self.stream, self.start, self.end = stream, start, end
        self.left = end - start
        stream.seek(start)

    def read(self, size: int) -> bytes:
        """Up to ``size`` of the next bytes; empty at the end."""
        piece = self.stream.read(min(size, self.left))
        self.left -= len(piece)
        return piece


class Output:
    """What a running decompressor writes."""

    def read(self, size: int) -> bytes:
        """Up to ``size`` of the next bytes, at least one; empty when it has written all."""
        raise NotImplementedError

    def close(self) -> str:
        """The decompressor has ended, by force where it has not written all; what it complained of if it failed."""
        raise NotImplementedError


# Starts the decompressor with these arguments on these bytes; None where there is no such program.
Filters = Callable[[Tuple[str, ...], Section], Optional[Output]]


class Decompressed:
    """The bytes of the stream of this kind that begins at ``start``, for one iteration in chunks of at most 1 MiB.

    Once they are all read, ``end`` is where the stream ends.  Iterating raises Truncated, Malformed (corrupt, or
    nothing that the kernel could read) or Unknown (no tool for it).  No process is left after close().
    """

    def __init__(self, kind: str, stream: BinaryIO, start: int, filters: Filters) -> None:
        self.kind, self.start, self.end = kind, start, start
        self._stream, self._filters = stream, filters
        self._output: Optional[Output] = None

    def __iter__(self) -> Iterator[bytes]:
        if self.kind in _ELSEWHERE:
            argv, end_of = _ELSEWHERE[self.kind]
            self.end = end_of(self._stream, self.start)
            self._output = self._filters(argv, Section(self._stream, self.start, self.end))
            if self._output:
                return self._elsewhere(self._output)
            if self.kind not in _HERE:
                raise Unknown(
                    f"it is compressed with {self.kind}, and there is no '{argv[0]}' to read it with",
                    f"Install {argv[0]}, then try again.",
                )
        return self._here(_HERE[self.kind]())

    def close(self) -> str:
        """What the tool complained of, if there was one and it failed."""
        output, self._output = self._output, None
        return output.close() if output else ""

    def _elsewhere(self, output: Output) -> Iterator[bytes]:
        piece = output.read(CHUNK)
        while piece:
            yield piece
            piece = output.read(CHUNK)
        complaint = self.close()
        if complaint:
            raise self._corrupt(complaint)

    def _here(self, decompressor: Any) -> Iterator[bytes]:
        at = self.start
        while not decompressor.eof:
            self._stream.seek(at)
            given = self._stream.read(CHUNK)
            if not given:
                raise Truncated(f"its {self.kind} stream, which begins at byte {self.start}, is cut short")
            at += len(given)
            while not decompressor.eof:
                try:
                    piece = decompressor.decompress(given, _LARGEST)
                except (zlib.error, lzma.LZMAError, OSError, ValueError) as error:
                    raise self._corrupt(str(error)) from error
                given = getattr(decompressor, "unconsumed_tail", b"")  # zlib gives back what the others keep
                if not piece:
                    break
                yield piece
        self.end = at - len(decompressor.unused_data)

    def _corrupt(self, complaint: str) -> Malformed:
        return Malformed(
            f"its {self.kind} stream, which begins at byte {self.start}, is corrupt: {complaint}",
            "Build it anew, or take it from a backup.",
        )


def kind_at(stream: BinaryIO, start: int) -> Optional[str]:
    """The kind of compression that begins at ``start``, by the kernel's table; None for anything else."""
    stream.seek(start)
    return KINDS.get(stream.read(2))
