"""Files of `[section]`s with `key = value` lines: systemd's units and .network files, NetworkManager's keyfiles.

    entries(text)                         every assignment, in order, with the line that it starts on
    words(text, section, key)             the words of a list-valued key as systemd adds them up
    last(text, section, key)              the value that a key ends up with, or None
    without_lines(text, lines)            text in which these lines are comments; all other bytes are the same

Grammar: systemd.syntax(7) (a backslash joins lines, `#` and `;` start a comment line, an empty value empties a list);
GLib keyfiles are a subset of it, but for the backslash, which they have no use for at the end of a line.
"""

from typing import Container, Iterator, List, NamedTuple, Optional

from agentprep.formats import lines as lines_

LIFTED = "# agentprep: "


class Entry(NamedTuple):
    """An assignment; `line` is its first line, from 1, and `lines` how many it takes."""

    section: str
    key: str
    value: str
    line: int
    lines: int = 1


def entries(text: str) -> Iterator[Entry]:
    """Every assignment of the text, in order."""
    section, held, start = "", "", 0
    for number, raw in enumerate(lines_.split(text), 1):
        line = raw.rstrip("\r\n")
        if line.lstrip()[:1] in ("#", ";"):
            continue  # inside a continued value too (systemd.syntax(7))
        if line.endswith("\\"):
            held, start = held + line[:-1] + " ", start or number
            continue
        first, whole = start or number, (held + line).strip()
        held, start = "", 0
        if whole.startswith("[") and whole.endswith("]"):
            section = whole[1:-1]
        elif "=" in whole:
            key, value = whole.split("=", 1)
            yield Entry(section, key.strip(), value.strip(), first, number - first + 1)


def words(text: str, section: str, key: str) -> List[str]:
    """The words of all lines of a key; an empty value forgets those before it."""
    found: List[str] = []
    for entry in entries(text):
        if (entry.section, entry.key) == (section, key):
            found = found + entry.value.split() if entry.value else []
    return found


def last(text: str, section: str, key: str) -> Optional[str]:
    """The value of the last line of a key, or None when there is none."""
    values = [entry.value for entry in entries(text) if (entry.section, entry.key) == (section, key)]
    return values[-1] if values else None


def without_lines(text: str, lines: Container[int]) -> str:
    """The lines with these numbers (from 1) are comments that say who made them so."""
    return "".join(LIFTED + raw if number in lines else raw for number, raw in enumerate(lines_.split(text), 1))
