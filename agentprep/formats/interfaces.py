"""/etc/network/interfaces, as far as it says which card is brought up, and how.

    stanzas(text)              every stanza, in order, with its options
    brought_up(stanzas, card)  the logical name under which a card is brought up at boot or when it appears, or None

Grammar: interfaces(5) (ifupdown 0.8): a `#` is a comment only at the start of a line, a backslash joins lines.
"""

import fnmatch
from typing import Iterable, List, NamedTuple, Optional, Tuple

from agentprep.formats import lines as lines_

_HEADS = ("iface", "mapping", "auto", "source", "source-directory", "rename", "no-auto-down", "no-scripts", "template")


class Option(NamedTuple):
    """A line of an iface stanza; `line` counts from 1."""

    key: str
    value: str
    line: int


class Stanza(NamedTuple):
    """A stanza: its keyword (`allow-auto` is `auto`), the words after it, and its options."""

    keyword: str
    words: Tuple[str, ...]
    line: int
    options: Tuple[Option, ...] = ()


def stanzas(text: str) -> List[Stanza]:
    """Every stanza of the text; options belong to the iface or mapping before them."""
    found: List[Stanza] = []
    held, start = "", 0
    for number, raw in enumerate(lines_.split(text), 1):
        line = raw.rstrip("\r\n")
        if not held and line.lstrip().startswith("#"):
            continue
        first = start or number
        if line.endswith("\\"):
            held, start = held + line[:-1] + " ", first
            continue
        words = (held + line).split()
        held, start = "", 0
        if not words:
            continue
        if words[0] in _HEADS or words[0].startswith("allow-"):
            keyword = "auto" if words[0] == "allow-auto" else words[0]
            found.append(Stanza(keyword, tuple(words[1:]), first))
        elif found and found[-1].keyword in ("iface", "mapping"):
            option = Option(words[0], " ".join(words[1:]), first)
            found[-1] = found[-1]._replace(options=found[-1].options + (option,))
    return found


def brought_up(found: Iterable[Stanza], card: str) -> Optional[str]:
    """The logical name of the first auto or allow-hotplug word that means the card; None when none does."""
    for stanza in found:
        for word in stanza.words if stanza.keyword in ("auto", "allow-hotplug") else ():
            name, _, logical = word.partition("=")
            pattern = name[1:].split("/")[0] if name.startswith("/") and not name.startswith("/dev/") else None
            if name == card or (pattern and fnmatch.fnmatchcase(card, pattern)):
                return logical or card
    return None
