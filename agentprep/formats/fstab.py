"""/etc/fstab (and /proc/mounts) as libmount and getmntent(3) read it.

    parse(text)                           every Entry: device, mount point, kind, options, line number
    with_device(text, entry, device)      text in which that entry's line names another device
    without(text, entries)                text without the lines of those entries
    fields(line)  encoded(text)           the pieces of a line, decoded; a value as it is written in a field

Lines with fewer than three fields are no entries, to libmount neither: they are never returned, changed or refused.
An unwanted line is dropped, not commented out: the journal keeps the old text, and tools that grep find no trace.
"""

import re
from typing import List, Match, NamedTuple, Sequence

from agentprep.errors import Malformed
from agentprep.formats import lines


class Entry(NamedTuple):
    """One line that mounts something or swaps to it."""

    device: str
    mount_point: str
    kind: str
    options: List[str]
    line: int  # counted from 1


def parse(text: str) -> List[Entry]:
    """The entries in their order, octal escapes decoded."""
    entries = []
    for number, line in enumerate(lines.split(text), 1):
        found = fields(line)
        if len(found) >= 3:
            options = found[3].split(",") if len(found) > 3 else []
            entries.append(Entry(found[0], found[1], found[2], options, number))
    return entries


def with_device(text: str, entry: Entry, device: str) -> str:
    """The first field of the entry's line is ``device``; blanks, comments and all other fields are the same bytes."""
    found = lines.split(text)
    line = found[entry.line - 1] if entry.line <= len(found) else ""
    if tuple(fields(line)[1:3]) != (entry.mount_point, entry.kind) or fields(line)[0] not in (entry.device, device):
        raise Malformed(
            f"line {entry.line} is no longer the entry of {entry.mount_point}",
            "Somebody else edits the file: try again when they are done.",
        )
    found[entry.line - 1] = re.sub(r"[^ \t]+", lambda _: encoded(device), line, count=1)
    return "".join(found)


def without(text: str, entries: Sequence[Entry]) -> str:
    """No line mounts the same device at the same place with the same options as one of ``entries``."""
    unwanted = [entry._replace(line=0) for entry in entries]
    numbers = {entry.line for entry in parse(text) if entry._replace(line=0) in unwanted}
    return "".join(line for number, line in enumerate(lines.split(text), 1) if number not in numbers)


def fields(line: str) -> List[str]:
    """The decoded fields of a line; none for a comment or a blank line."""
    words = re.findall(r"[^ \t\r\n]+", line)
    return [] if not words or words[0].startswith("#") else [_decoded(word) for word in words]


def encoded(text: str) -> str:
    """``text`` as one field: blank, tab, newline and backslash in octal, as fstab(5) asks; a leading ``#`` too."""
    return re.sub(r"^#|[ \t\r\n\\]", lambda match: f"\\{ord(match.group()):03o}", text)


def _decoded(word: str) -> str:
    raw = word.encode("utf-8", "surrogateescape")
    return re.sub(rb"\\([0-3][0-7]{2})", _byte, raw).decode("utf-8", "surrogateescape")


def _byte(match: Match[bytes]) -> bytes:
    return bytes([int(match.group(1), 8)])
