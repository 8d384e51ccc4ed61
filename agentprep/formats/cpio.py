"""cpio archives in the newc form as the kernel unpacks them (init/initramfs.c, Linux 6.12), read from front to back."""

import binascii
import posixpath
import stat
import struct
from typing import Callable, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from agentprep.errors import Malformed

TRAILER = "TRAILER!!!"
LARGEST_CONTENT = 4 << 20

_MAGICS = (b"070701", b"070702")
_FIELDS = struct.Struct(">13I")
_HEADER = 6 + 2 * _FIELDS.size
_LONGEST_NAME = 4096  # PATH_MAX


class Member(NamedTuple):
    """One file of an archive; a file with several names is there once for each, its bytes with one of them."""

    name: str  # without a leading "./" or "/"
    size: int
    mode: int
    content: Optional[bytes]  # of a regular file or a link that was wanted and is not larger than LARGEST_CONTENT
    link: Optional[Tuple[object, int, int, int]]  # the same for all names that a file has in its archive, if several


# Says of a member without its content whether that is of interest.
Wanted = Callable[[Member], bool]


class Truncated(Malformed):
    """The bytes end where more must follow."""


class Chunks:
    """A stream of bytes chunks as one run of bytes, of which no more than a chunk and what is asked for is held."""

    def __init__(self, chunks: Iterable[bytes], position: int = 0) -> None:
        self.position = position
        self._chunks = iter(chunks)
        self._chunk = b""
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes; Truncated when there are fewer."""
        taken = self._chunk[self._at : self._at + size]
        self._at += len(taken)
        while len(taken) < size:
            self._more()
            piece = self._chunk[: size - len(taken)]
            self._at = len(piece)
            taken += piece
        self.position += size
        return taken

    def skip(self, size: int) -> None:
        """``size`` bytes are passed over; Truncated when there are fewer."""
        self.position += size
        while size > len(self._chunk) - self._at:
            size -= len(self._chunk) - self._at
            self._more()
        self._at += size

    def first_after_zeros(self) -> bytes:
        """The next byte that is not zero, which stays there; empty at the end."""
        while True:
            rest = self._chunk[self._at : self._at + 1]
            if rest and rest != b"\0":
                return rest
            left = len(self._chunk[self._at :].lstrip(b"\0"))
            self.position += len(self._chunk) - self._at - left
            self._at = len(self._chunk) - left
            if not left and not self._next():
                return b""

    def _more(self) -> None:
        if not self._next():
            raise Truncated("it is cut short: a file in it goes on where it ends")

    def _next(self) -> bool:
        self._at = 0
        self._chunk = next(self._chunks, b"")
        return bool(self._chunk)


class Archives:
    """The members of archives with zeros between them, for one iteration, up to the first byte that begins none.

    A member may follow another without a trailer between them, but only at a multiple of four.  Iterating raises
    Truncated or Malformed where the kernel would stop, or be left with half a member.
    """

    def __init__(self, source: Chunks, want: Wanted) -> None:
        self.starts: List[int] = []  # where each archive begins
        self.whole = True  # the last archive has its trailer
        self.following = b""  # the byte after all archives, at ``source.position``; empty at the end
        self._source, self._want = source, want
        self._archive = object()  # a trailer ends what is known of links

    @property
    def position(self) -> int:
        """How far it has been read."""
        return self._source.position

    def __iter__(self) -> Iterator[Member]:
        self.following = self._source.first_after_zeros()
        while self.following == b"0" and self._source.position % 4 == 0:
            if self.whole:
                self.starts.append(self._source.position)
                self._archive = object()
            found = _member(self._source, self._want, self._archive)
            self.whole = found.name == TRAILER
            if not self.whole:
                yield found
            self.following = self._source.first_after_zeros()

    def end(self) -> None:
        """Nothing follows, and nothing is missing; else Malformed or Truncated."""
        if self.following:
            raise Malformed(f"there is garbage in it, at byte {self.position} of what it unpacks to")
        if not self.whole:
            raise Truncated("it is cut short: a cpio archive ends without its trailer")


def _member(source: Chunks, want: Wanted, archive: object) -> Member:
    header = source.take(_HEADER)
    if header[:6] not in _MAGICS:
        raise Malformed(f"what begins with {header[:6]!r} is no cpio archive of the newc form")
    try:
        fields = _FIELDS.unpack(binascii.unhexlify(header[6:]))
    except binascii.Error as error:
        raise Malformed(f"a cpio header has other than hexadecimal digits: {header!r}") from error
    inode, mode, _, _, links, _, size, major, minor, _, _, name_size, _ = fields
    if not 0 < name_size <= _LONGEST_NAME:
        raise Malformed(f"a cpio header says that a name has {name_size} bytes")
    named = source.take(name_size + _padding(_HEADER + name_size))
    name = named[:name_size].partition(b"\0")[0].decode("utf-8", "surrogateescape")
    if name != TRAILER:
        name = posixpath.normpath(name).lstrip("/")
    several = links > 1 and not stat.S_ISDIR(mode)
    found = Member(name, size, mode, None, (archive, inode, major, minor) if several else None)
    if (stat.S_ISREG(mode) or stat.S_ISLNK(mode)) and size <= LARGEST_CONTENT and want(found):
        found = found._replace(content=source.take(size))
        source.skip(_padding(size))
    else:
        source.skip(size + _padding(size))
    return found


def _padding(size: int) -> int:
    return -size % 4
