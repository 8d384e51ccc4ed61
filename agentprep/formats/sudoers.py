"""sudoers files, as far as they say whose password sudo asks for.

    targetpw(text)            the lines (from 1) on which an active Defaults entry sets targetpw
    without_targetpw(text)    text in which none does; all other bytes are the same
    everybody(text)           the lines on which every user may run everything
    without_lines(text, ...)  text in which these lines are comments
    folders(text)             the folders that are included, in order

Grammar: sudoers(5) (1.8 to 1.9): a backslash joins lines, `#` starts a comment but for #include, #includedir and ids.
"""

import re
from typing import Iterable, List, NamedTuple

from agentprep.formats import lines as lines_

_LOGICAL = re.compile(r"((?:[^\\\n]|\\[\s\S]|\\\Z)*)(\n|\Z)")
_DEFAULTS = re.compile(r"\s*Defaults(?:[@:!>]\S+)?[ \t]+")
_OPTION = re.compile(r"((?:\"(?:[^\"\\]|\\.)*\"|\\[\s\S]|[^,\"\\])*)(,|\Z)")
# SUSE's sudoers has this line beside targetpw: without targetpw it would let every user become root.
_EVERYBODY = re.compile(r"\s*ALL\s+ALL\s*=\s*(\(\s*ALL\s*(:\s*ALL\s*)?\)\s*)?(NOPASSWD\s*:\s*)?ALL\s*(#.*)?$")


class _Line(NamedTuple):
    number: int  # of its first physical line, from 1
    text: str  # with its continuations, without its newline
    end: str


def targetpw(text: str) -> List[int]:
    """The first lines of the Defaults entries that set targetpw for anybody."""
    return [line.number for line in _logical(text) if any(map(_sets, _options(line.text)))]


def without_targetpw(text: str) -> str:
    """No Defaults entry sets targetpw: it goes from its list, and an entry that had nothing else is a comment."""
    out = []
    for line in _logical(text):
        options = _options(line.text)
        kept = [option for option in options if not _sets(option)]
        if len(kept) == len(options):
            out.append(line.text + line.end)
        elif not any(option.strip() for option in kept):
            out.append(_commented(line.text) + line.end)
        else:
            head = _DEFAULTS.match(line.text)
            out.append((head.group() if head else "") + ",".join(kept).strip() + _comment(line.text) + line.end)
    return "".join(out)


def everybody(text: str) -> List[int]:
    """The lines that let every user run everything as anybody."""
    return [line.number for line in _logical(text) if _EVERYBODY.match(line.text)]


def without_lines(text: str, numbers: Iterable[int]) -> str:
    """The entries that begin on these lines are comments."""
    wanted = set(numbers)
    return "".join(
        (_commented(line.text) if line.number in wanted else line.text) + line.end for line in _logical(text)
    )


def folders(text: str) -> List[str]:
    """The folders named by @includedir or #includedir."""
    found = [re.match(r"\s*[@#]includedir\s+(\"?)(.+?)\1\s*$", line.text) for line in _logical(text)]
    return [match.group(2) for match in found if match]


def _logical(text: str) -> List[_Line]:
    found, number = [], 1
    for match in _LOGICAL.finditer(text):
        if match.group():
            found.append(_Line(number, match.group(1), match.group(2)))
            number += match.group().count("\n")
    return found


def _comment(text: str) -> str:
    """The comment at the end of an entry, with the blanks before it."""
    bare = re.match(r"(?:\"(?:[^\"\\]|\\.)*\"|\\[\s\S]|[^\"#\\])*", text)
    end = len(bare.group()) if bare else 0
    start = len(text[:end].rstrip())
    return text[start:] if end < len(text) else ""


def _options(text: str) -> List[str]:
    head = _DEFAULTS.match(text)
    if not head:
        return []
    comment = _comment(text)
    rest = text[head.end() : len(text) - len(comment)] if comment else text[head.end() :]
    return [match.group(1) for match in _OPTION.finditer(rest) if match.group()]


def _sets(option: str) -> bool:
    """`targetpw` or an even number of `!` before it."""
    match = re.match(r"[\s\\]*((?:!\s*)*)targetpw\s*$", option)
    return match is not None and match.group(1).count("!") % 2 == 0


def _commented(text: str) -> str:
    return "".join("# " + line for line in lines_.split(text))
