"""What is inside an initrd: every file that the kernel would unpack from the image, read as it reads it.

    members(stream, filters)    every file, segment after segment, as a stream
    contents(stream, filters)   the modules and the configuration that come out of it in the end

An image is a row of segments, with zeros between them: cpio archives, and compressed streams that each hold cpio
archives (Documentation/driver-api/early-userspace/buffer-format.rst, unpack_to_rootfs() in init/initramfs.c, Linux
6.12).  Unlike the kernel, which boots with what it got, this calls an image Truncated that ends without the trailer of
an archive.
"""

import fnmatch
import posixpath
import re
import stat
from typing import BinaryIO, Dict, Generator, Iterator, List, NamedTuple, Optional, Set

from agentprep.errors import Malformed
from agentprep.formats.compressed import CHUNK, Decompressed, Filters, kind_at
from agentprep.formats.cpio import Archives, Chunks, Member, Wanted
from agentprep.formats.modules import normalised

PLAIN = "none"  # the compression of a segment that has none

# What decides in an initrd about modules, swap and arguments; with "usr/" in front it counts the same.
WANTED = (
    "conf/*",
    "cryptroot/*",
    "etc/cmdline",
    "etc/cmdline.d/*",
    "etc/conf.d/*",
    "etc/crypttab",
    "etc/modprobe.conf",
    "etc/modprobe.d/*",
    "etc/modules-load.d/*",
    "lib/modprobe.d/*",
    "lib/modules-load.d/*",
    "lib/modules/*/modules.builtin",
    "lib/modules/*/modules.dep",
)
_WANTED = re.compile("(?:usr/)?(?:" + "|".join(fnmatch.translate(pattern) for pattern in WANTED) + ")")
_SMALL = 16 << 10
_HOPS = 8  # of a link that leads to a link
_MODULES = ("lib/modules/", "usr/lib/modules/")
_MODULE_ENDINGS = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")


class Contents(NamedTuple):
    """What is there once the kernel has unpacked all segments, a later file in the place of an earlier one."""

    modules: Dict[str, int]  # file -> size, for every kernel that the image has modules of; no empty files
    files: Dict[str, bytes]  # the configuration, see WANTED
    compressions: List[str]  # one for each segment: PLAIN or a kind of compression

    def modules_of(self, release: str) -> Dict[str, str]:
        """Module, as ``normalised`` gives its name -> its file, for one kernel."""
        folders = tuple(folder + release + "/" for folder in _MODULES)
        return {normalised(path): path for path in self.modules if path.startswith(folders)}

    def texts(self, *folders: str) -> Dict[str, str]:
        """The configuration files straight in these folders (``etc/modprobe.d``, ``conf/conf.d``) as text."""
        return {
            path: content.decode("utf-8", "surrogateescape")
            for path, content in sorted(self.files.items())
            if posixpath.dirname(path) in folders
        }


class Segment(NamedTuple):
    """Where a segment begins, and how it is compressed; a run of uncompressed archives ends at its trailer."""

    start: int
    compression: str


def wanted(name: str) -> bool:
    """True for the configuration files that ``contents`` keeps."""
    return _WANTED.match(name) is not None


def members(
    stream: BinaryIO, filters: Filters, want: Wanted = lambda member: False, segments: Optional[List[Segment]] = None
) -> Iterator[Member]:
    """Every member of every segment but the trailers, in the order in which the kernel unpacks them.

    ``stream`` is a seekable binary file; ``want`` says of a regular file, given without it, whether its content is of
    interest; ``segments`` gets a Segment for each.  A cut or corrupt image gives what is readable before it raises
    Truncated or Malformed; Unknown where the tool for a compression is missing.
    """
    position = 0
    found = segments if segments is not None else []
    while True:
        plain = Archives(Chunks(_from(stream, position), position), want)
        yield from plain
        found.extend(Segment(start, PLAIN) for start in plain.starts)
        if not plain.following:
            break
        found.append(_compressed_segment(stream, plain.position))
        position = yield from _unpacked(found, stream, filters, want)
    plain.end()
    if not found:
        raise Malformed("it is empty" if not plain.position else "it has nothing but zeros", "Build it anew.")


def contents(stream: BinaryIO, filters: Filters) -> Contents:
    """The modules and the configuration of the whole image; the same errors as ``members``."""
    segments: List[Segment] = []
    there: Dict[str, _Slot] = {}
    linked: Dict[object, _Slot] = {}
    of_interest: Set[object] = set()

    def want(member: Member) -> bool:
        if stat.S_ISLNK(member.mode):
            return _is_module(member.name)
        if wanted(member.name):
            of_interest.add(member.link)
        # cpio writes the bytes with the last name that a file has, others with the first, which need not be ours
        return wanted(member.name) or bool(member.link and (member.link in of_interest or member.size <= _SMALL))

    for member in members(stream, filters, want, segments):
        slot = linked.setdefault(member.link, _Slot(member)) if member.link else _Slot(member)
        if member.size:
            slot.member = member
        if wanted(member.name) or _is_module(member.name):
            there[member.name] = slot
    regular = {name: slot.member for name, slot in there.items() if stat.S_ISREG(slot.member.mode)}
    files = {name: member.content for name, member in regular.items() if wanted(name)}
    for name, content in files.items():
        if content is None:
            raise Malformed(f"its {name} is larger than any such file should be", "Build it anew.")
    modules = {name: member.size for name, member in regular.items() if member.size and _is_module(name)}
    for name in [name for name, slot in there.items() if stat.S_ISLNK(slot.member.mode)]:
        target = _led_to(name, there)
        if target in regular and regular[target].size:
            modules[name] = regular[target].size
    return Contents(
        modules,
        {name: content for name, content in files.items() if content is not None},
        [segment.compression for segment in segments],
    )


def _from(stream: BinaryIO, position: int) -> Iterator[bytes]:
    stream.seek(position)
    return iter(lambda: stream.read(CHUNK), b"")


def _unpacked(
    segments: List[Segment], stream: BinaryIO, filters: Filters, want: Wanted
) -> Generator[Member, None, int]:
    """The members of the last, compressed segment; it returns where that ends."""
    packed = Decompressed(segments[-1].compression, stream, segments[-1].start, filters)
    try:
        archives = Archives(Chunks(packed), want)
        yield from archives
        archives.end()
        if not archives.starts:
            raise Malformed(f"its {packed.kind} stream, which begins at byte {packed.start}, holds no archive")
    finally:
        packed.close()
    return packed.end


def _compressed_segment(stream: BinaryIO, start: int) -> Segment:
    kind = kind_at(stream, start)
    if kind:
        return Segment(start, kind)
    stream.seek(start)
    if stream.read(4) == b"\x04\x22\x4d\x18":
        raise Malformed(
            f"from byte {start} on it is an lz4 frame, which the kernel does not read", "Build it with 'lz4 -l'."
        )
    raise Malformed(
        f"there is garbage at byte {start}, where the kernel looks for an archive",
        "Build it anew, or take it from a backup.",
    )


def _led_to(name: str, there: Dict[str, "_Slot"]) -> str:
    """The file that a link to a module leads to: weak-modules(8) links one kernel's into the folders of others."""
    for _ in range(_HOPS):
        slot = there.get(name) or there.get(name[4:] if name.startswith("usr/") else "usr/" + name)
        if slot is None or not stat.S_ISLNK(slot.member.mode):
            break
        name = posixpath.normpath(posixpath.join("/", posixpath.dirname(name), (slot.member.content or b"").decode(
            "utf-8", "surrogateescape"))).lstrip("/")  # fmt: skip
    return name if name in there else name[4:] if name.startswith("usr/") else "usr/" + name


class _Slot:
    """What all names of one file share: the member that brought its bytes."""

    def __init__(self, member: Member) -> None:
        self.member = member


def _is_module(name: str) -> bool:
    return name.startswith(_MODULES) and name.endswith(_MODULE_ENDINGS)
