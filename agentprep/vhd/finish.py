"""A raw image becomes a fixed VHD in place, and back: only its end is written, whatever its size."""

import os
import time
import uuid
from typing import List, Optional, Tuple

from ..errors import HALF_WAY, AgentprepError, Blocked, Malformed
from ..formats import diskimage, gptends, partitions, vhd
from .image import Image

MIB = 1 << 20
LARGEST = 0xFFFFFFFF * 512 * 16  # bytes; far beyond what Azure takes, and within what the sums below hold


class Broken(AgentprepError):
    """Writing failed in the middle; the image is a raw image still, or the VHD."""

    exit_code = HALF_WAY


def whole(size: int) -> int:
    """The size rounded up to a whole number of MiB."""
    return -(-size // MIB) * MIB


def finish(path: str) -> str:
    """The raw image at `path` is a fixed VHD, its size a whole number of MiB; returns a sentence of what was done.

    Written in this order, each on the disk before the next: the size, the backup GPT at the new end, the primary GPT
    header, the footer.  A cut between two of them leaves a raw image that boots; `finish` goes on from there.
    Blocked with nothing written when it is no raw image, or its GPT cannot be moved.
    """
    with Image(path, writable=True) as image:
        _raw(image)
        size = whole(image.size)
        writes = _gpt(image, size)
        footer = vhd.fixed(size, _now(), _unique(image, size))
        said = []
        try:
            if size != image.size:
                os.ftruncate(image.number, size)
                os.fsync(image.number)
                said.append("grown by %d bytes to %d MiB" % (size - image.size, size // MIB))
            for offset, content in writes:
                _written(image.number, content, offset)
            if writes:
                said.append("the backup GPT moved to its end")
            _written(image.number, footer, size)
        except OSError as error:
            raise Broken(
                "writing %s failed: %s" % (path, error.strerror),
                "it is a raw image still; free some space on its file system, then: agentprep vhd finish %s" % path,
            ) from error
    said.append("a footer of 512 bytes appended")
    return "%s is a fixed VHD: %s" % (path, ", ".join(said))


def unfinish(path: str) -> str:
    """The fixed VHD at `path` is a raw image of the same disk: its footer is gone; returns a sentence of it."""
    with Image(path, writable=True) as image:
        if image.kind.name != "vhd":
            raise Blocked("%s has no VHD footer: nothing to take off" % path, "see: agentprep vhd check %s" % path)
        footer = vhd.footer(image.kind.footer.ljust(vhd.SIZE, b"\0"))
        if footer.kind != vhd.FIXED:
            kind = vhd.KINDS.get(footer.kind, "unknown")
            raise Blocked(
                "%s is a %s VHD: without its footer its disk could not be read any more" % (path, kind),
                "make a raw image of it: qemu-img convert -f vpc -O raw %s FILE" % path,
            )
        os.ftruncate(image.number, image.virtual_size)
        os.fsync(image.number)
        return "%s is a raw image again, of %d bytes" % (path, image.virtual_size)


def _raw(image: Image) -> None:
    name, path = image.kind.name, image.path
    if name == "raw":
        if image.size > LARGEST:
            raise Blocked("%s is larger than a VHD can be" % path, "shrink the disk first")
        return
    see = "see: agentprep vhd check %s" % path
    if name == "vhd":
        raise Blocked("%s already is a VHD; nothing was changed" % path, see)
    if name in diskimage.DISKS or name == "vhd without its end":
        raise Blocked(
            "%s is no raw image but of the kind %s; nothing was changed" % (path, name),
            "agentprep vhd convert %s FILE.vhd" % path,
        )
    raise Blocked("%s is no disk image (%s); nothing was changed" % (path, name), see)


def _gpt(image: Image, size: int) -> Tuple[Tuple[int, bytes], ...]:
    """What puts the backup of a GPT at the end of `size` bytes; nothing where it is there, or there is no GPT."""
    head = image.head[: gptends.HEAD]
    try:
        table = partitions.mbr(head[:512])
    except Malformed:
        table = []
    if not any(one.kind == partitions.PROTECTIVE for one in table):
        return ()
    sectors = size // 512
    try:
        primary = gptends.header(head[512:1024])
        last = image.read(size - 512, 512) if size <= image.size else b""
        if not gptends.matches(primary, last, sectors):
            return ()
        return gptends.relocated(head, sectors).writes
    except Malformed as error:
        raise Blocked("%s: %s; nothing was changed" % (image.path, error.message), error.hint) from error


def _written(number: int, content: bytes, offset: int) -> None:
    done = 0
    while done < len(content):
        done += os.pwrite(number, content[done:], offset + done)
    os.fsync(number)


def _now() -> int:
    stated = _stated()
    return int(time.time()) if stated is None else stated


def _unique(image: Image, size: int) -> bytes:
    """A new id; with SOURCE_DATE_EPOCH the same one for the same disk."""
    if _stated() is None:
        return uuid.uuid4().bytes
    return uuid.uuid5(uuid.NAMESPACE_OID, "%d %s" % (size, image.head[: gptends.HEAD].hex())).bytes


def _stated() -> Optional[int]:
    """SOURCE_DATE_EPOCH (reproducible-builds.org/specs/source-date-epoch), or None."""
    word = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(word) if word.isdigit() else None


Lines = List[str]
