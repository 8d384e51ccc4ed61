"""/etc/crypttab: encrypted devices that are opened at boot.

    parse(text)                           every Entry: name, device, key file, options, line number
    without(text, entries)                text without the lines of those entries

The same rules as in fstab.py: lossless, unwanted lines are dropped, lines that are no entries are left alone.
"""

from typing import List, NamedTuple, Sequence

from agentprep.formats import lines
from agentprep.formats.fstab import fields


class Entry(NamedTuple):
    """One device that becomes /dev/mapper/NAME."""

    name: str
    device: str
    key: str  # "none" or "-": asked for
    options: List[str]
    line: int  # counted from 1


def parse(text: str) -> List[Entry]:
    """The entries in their order; crypttab(5) asks for two fields, the others have defaults."""
    entries = []
    for number, line in enumerate(lines.split(text), 1):
        found = fields(line)
        if len(found) >= 2:
            key = found[2] if len(found) > 2 else "none"
            entries.append(Entry(found[0], found[1], key, found[3].split(",") if len(found) > 3 else [], number))
    return entries


def without(text: str, entries: Sequence[Entry]) -> str:
    """No line opens a device under the name of one of ``entries``."""
    names = {entry.name for entry in entries}
    numbers = {entry.line for entry in parse(text) if entry.name in names}
    return "".join(line for number, line in enumerate(lines.split(text), 1) if number not in numbers)
