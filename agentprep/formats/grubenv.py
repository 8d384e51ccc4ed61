"""GRUB's environment block: a file of fixed size, commonly 1024 bytes, that GRUB writes in place at boot.

    values(content)                       {name: value} of all variables, as load_env gives them
    set_value(content, name, value)       content of the same length in which the variable has that value

Source: grub-core/lib/envblk.c of GRUB 2.02 to 2.14.  The padding is the run of ``#`` at the end.
"""

import re
from typing import Dict, Iterator, NamedTuple

from agentprep.errors import Malformed

SIGNATURE = b"# GRUB Environment Block\n"
_LINE = re.compile(rb"[^\\\n]*(?:\\(?:.|\Z)[^\\\n]*)*", re.DOTALL)
_MADE = "Make it anew with: grub2-editenv FILE create (grub-editenv on Debian), then set its variables again."


class _Line(NamedTuple):
    """``content[start:end]`` is ``NAME=VALUE`` with its newline."""

    name: bytes
    value: bytes
    start: int
    end: int


def values(content: bytes) -> Dict[str, str]:
    """Every variable; of several lines for one name the last wins.  Malformed for what GRUB refuses to load."""
    return {_text(line.name): _text(_unescaped(line.value)) for line in _lines(content)}


def set_value(content: bytes, name: str, value: str) -> bytes:
    """The block with this value in the place of the old, or at the end of the variables.

    Malformed when the block is too small for it: GRUB writes to the same sectors and never makes it larger.
    """
    if values(content).get(name) == value:
        return content
    encoded = value.encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\").replace(b"\n", b"\\\n")
    new = name.encode() + b"=" + encoded + b"\n"
    used = content.rstrip(b"#")
    padded = len(used) if used.endswith(b"\n") else len(content)
    old = [line for line in _lines(content) if _text(line.name) == name]
    body, place = content[:padded], padded
    for line in reversed(old):
        body, place = body[: line.start] + body[line.end :], line.start
    body = body[:place] + new + body[place:]
    if len(body) > len(content):
        raise Malformed(
            f"{name} would need {len(body)} bytes in a block of {len(content)}",
            "Shorten the kernel arguments by hand, or add less: [kernel-cmdline] add in /etc/agentprep.conf.",
        )
    made = body + b"#" * (len(content) - len(body))
    if values(made).get(name) != value:
        raise Malformed(f"{name} cannot be set in it", _MADE)
    return made


def _lines(content: bytes) -> Iterator[_Line]:
    """The variables as grub_envblk_iterate() walks them: a name may hold a newline, a backslash hides the next byte."""
    if not content.startswith(SIGNATURE):
        raise Malformed("it is no GRUB environment block: its first line is missing", _MADE)
    place, end = len(SIGNATURE), len(content)
    while place < end:
        start = place
        if content[place : place + 1] != b"#":
            equals = content.find(b"=", place)
            if equals < 0:
                return
            place = _newline(content, equals + 1)
            if place >= end:
                return
            yield _Line(content[start:equals], content[equals + 1 : place], start, place + 1)
        place = _newline(content, place) + 1


def _newline(content: bytes, place: int) -> int:
    """The first newline from here on that no backslash hides."""
    match = _LINE.match(content, place)
    return match.end() if match else place


def _unescaped(value: bytes) -> bytes:
    return re.sub(rb"\\(.?)", rb"\1", value, flags=re.DOTALL)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
