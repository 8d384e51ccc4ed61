"""The outline of a YAML file: which keys stand where, for files that are read but never rewritten as a whole.

    entries(text)        every `key: value` in block style, with the keys above it
    items(value)         the words of a list in flow style, `[ a, "b" ]`

It is no YAML parser (the guest may have none): anchors, block scalars and lists in block style are passed over, and a
mapping in flow style is a value.
"""

import re
from typing import Iterator, List, NamedTuple, Tuple

from agentprep.formats import lines as lines_

_ENTRY = re.compile(r"( *)(\"[^\"]*\"|'[^']*'|[^\s#\"'\-\[{][^:#]*?)\s*:(?:[ \t]+(.*))?$")


class Entry(NamedTuple):
    """A key with the keys above it, its value as it is written (without a comment), and its line, from 1."""

    path: Tuple[str, ...]
    value: str
    line: int


def entries(text: str) -> Iterator[Entry]:
    """Every key of the text's block mappings, in order."""
    above: List[Tuple[int, str]] = []
    scalar = -1  # the indentation of the key whose block scalar (| or >) is being passed over
    for number, raw in enumerate(lines_.split(text), 1):
        line = raw.rstrip("\r\n")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        depth = len(line) - len(line.lstrip(" "))
        if scalar >= 0 and depth > scalar:
            continue
        scalar = -1
        match = _ENTRY.match(line)
        if not match:
            continue
        above = [one for one in above if one[0] < depth]
        value = re.sub(r"(^|\s)#.*$", "", match.group(3) or "").strip()
        above.append((depth, match.group(2).strip("\"'")))
        if re.match(r"[|>][+\-0-9]*$", value):
            scalar = depth
        yield Entry(tuple(name for _, name in above), value, number)


def items(value: str) -> List[str]:
    """The words of a flow list; a plain value is a list of one."""
    return [word.strip().strip("\"'") for word in value.strip().strip("[]").split(",") if word.strip()]
