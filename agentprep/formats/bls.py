"""Entries of the Boot Loader Specification, type 1, as GRUB's blscfg and as systemd-boot read them.

    fields(text)                          every Field: key, value, line, and where the value is written
    loaded(text)                          those that GRUB reads: its reader ends at the first line without a value
    replaced(text, {field: value})        text with other values; no other byte is changed
    added(text, key, value)               text with one more field, where GRUB reads it
    expanded(value, variables)            what blscfg makes of a value with ``$name`` in it
    words(value)                          the arguments that the kernel gets from ``options``, read as GRUB reads them
    edited(value, transform)              the value whose words are transform(words)

GRUB uses the first ``options`` line only, systemd-boot all of them.  Sources: grub-core/commands/blscfg.c of Red Hat's
and Fedora's GRUB 2.02 to 2.12, blsuki.c of GRUB 2.14 (both paste the value into a script of GRUB's, so that its quoting
counts), and uapi-group.org's Boot Loader Specification.
"""

import re
from typing import Callable, Dict, List, Mapping, NamedTuple

from agentprep.errors import Malformed
from agentprep.formats import grubcfg, lines

_LINE = re.compile(r"[ \t]*(?P<key>[^ \t\r\n#][^ \t\r\n]*)(?:[ \t]+(?P<value>[^\r\n]*?))?\r*\n?$")
_VARIABLE = re.compile(r"(?<!\\)\$([A-Za-z0-9_]*) ?")
_HEAD, _TAIL = "menuentry x {\nlinux /x ", "\n}\n"


class Field(NamedTuple):
    """``text[start:end]`` is the value."""

    key: str
    value: str
    line: int  # counted from 1
    start: int
    end: int


def fields(text: str) -> List[Field]:
    """Every key with a value, in order; comments, empty lines and keys alone are none."""
    return [field for field in _all(text) if field.value]


def loaded(text: str) -> List[Field]:
    """The fields that GRUB reads: an empty line, or a key without a value, ends the file for it."""
    found = []
    for field in _all(text):
        if not field.value:
            break
        found.append(field)
    return found


def replaced(text: str, values: Mapping[Field, str]) -> str:
    for field in sorted(values, key=lambda field: field.start, reverse=True):
        text = text[: field.start] + values[field] + text[field.end :]
    return text


def added(text: str, key: str, value: str) -> str:
    """The new line stands behind the last one that GRUB reads."""
    found = lines.split(text)
    read = loaded(text)
    place = read[-1].line if read else 0
    end = lines.newline(text)
    return "".join(lines.ended(found[:place], end) + ["%s %s%s" % (key, value, end)] + found[place:])


def expanded(value: str, variables: Mapping[str, str]) -> str:
    """The value with its variables; one that is not set leaves nothing, and ``${name}`` is none to blscfg."""

    def found(match: "re.Match[str]") -> str:
        return variables[match.group(1)] + " " if match.group(1) in variables else ""

    return _VARIABLE.sub(found, value)


def words(value: str) -> List[str]:
    """The arguments; ``$name`` stays as it is written.  Malformed for a quote that is not closed."""
    entries = grubcfg.entries(_HEAD + value + _TAIL)
    return entries[0].arguments if entries else []


def edited(value: str, transform: Callable[[List[str]], List[str]]) -> str:
    """The value with other words; those that stay keep their bytes, as do the blanks at its ends."""
    old = words(value)
    new = transform(list(old))
    if new == old:
        return value
    text = grubcfg.edit(_HEAD + value + _TAIL, lambda entry: new)
    made = text[len(_HEAD) : len(text) - len(_TAIL)]
    if not value.strip():
        made = made.strip() + value
    if words(made) != new or "\n" in made:
        raise Malformed(
            f"the arguments {value!r} cannot be edited: GRUB would read them as something else",
            "Write them plainly, without braces, semicolons and open quotes, then try again.",
        )
    return made


def _all(text: str) -> List[Field]:
    """A Field for every line that is no comment, with an empty value where it has none."""
    found, place = [], 0
    for number, line in enumerate(lines.split(text), 1):
        match = _LINE.match(line)
        if match and match.group("value"):
            start, end = (place + index for index in match.span("value"))
            found.append(Field(match.group("key"), match.group("value"), number, start, end))
        elif match or not line.lstrip(" \t").startswith("#"):
            found.append(Field(match.group("key") if match else "", "", number, place, place))
        place += len(line)
    return found


Values = Dict[Field, str]
