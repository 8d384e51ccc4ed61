"""Portable executables as the firmware and systemd-stub read them: which sections an EFI program has.

    sections(head)      every Section of a file that begins with these bytes; Malformed for anything else
    HEAD                how many bytes of a file are enough for that

Sources: Microsoft's PE format; src/boot/pe.c of systemd (a unified kernel image has .linux, .cmdline, .initrd ...).
"""

import struct
from typing import List, NamedTuple

from agentprep.errors import Malformed

HEAD = 1 << 16

_COFF = struct.Struct("<4sHHIIIHH")
_SECTION = struct.Struct("<8sIIII16s")
_HINT = "See what it is with: file"


class Section(NamedTuple):
    """What is at `offset` of the file, `size` bytes long; what follows these is only padding."""

    name: str
    offset: int
    size: int


def sections(head: bytes) -> List[Section]:
    if head[:2] != b"MZ" or len(head) < 64:
        raise Malformed("it is no EFI program", _HINT)
    start = int.from_bytes(head[60:64], "little")
    if len(head) < start + _COFF.size or head[start : start + 4] != b"PE\0\0":
        raise Malformed("it is no EFI program", _HINT)
    _, _, count, _, _, _, optional, _ = _COFF.unpack_from(head, start)
    table = start + _COFF.size + optional
    if len(head) < table + count * _SECTION.size:
        raise Malformed("its table of sections is cut off", _HINT)
    found = []
    for number in range(count):
        name, virtual, _, raw, offset, _ = _SECTION.unpack_from(head, table + number * _SECTION.size)
        found.append(Section(name.rstrip(b"\0").decode("latin-1"), offset, min(virtual, raw)))
    return found
