"""sshd_config as sshd reads it: the first value of a keyword wins.

    effective(keyword, name, text, include)   the Setting that counts outside of Match, or None: sshd's own default
    every(keyword, name, text, include)       the Settings of a keyword that may be given several times
    set_global(text, keyword, value)          text whose first global line of the keyword has that value

``include(pattern)`` gives [(name, text)] of the files that an Include's pattern names, sorted; a relative pattern is
below /etc/ssh.  Source: servconf.c (process_server_config_line_depth) and misc.c (strdelim, argv_split) of OpenSSH 9.
"""

import re
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from agentprep.errors import Malformed
from agentprep.formats import lines

Include = Callable[[str], List[Tuple[str, str]]]

_LINE = re.compile(r"[ \t\r\n]*([^ \t\r\n\"=#][^ \t\r\n\"=]*)(?:[ \t]*=[ \t]*|[ \t]+)?")
_BLANK_END = " \t\r\n\f"
_DEPTH = 16  # SERVCONF_MAX_DEPTH
# Lines count until a Match; they count after a `Match all` only; they never do.
_ALWAYS, _MATCHING, _NEVER = "always", "matching", "never"


class Setting(NamedTuple):
    """A value and the place that decides it."""

    value: str  # the arguments without their quotes, a blank between them
    name: str  # of the file
    line: int  # counted from 1


def effective(keyword: str, name: str, text: str, include: Include) -> Optional[Setting]:
    """What ``sshd -T`` would say, or None where no line decides.

    Lines in a Match block do not count, except after ``Match all``, whose lines come before all others: sshd reads its
    files again for what matches (servconf.c, parse_server_match_config).  Those in an included file count where the
    Include stands, and a Match in it ends with it.  Malformed, with file and line, for what sshd itself refuses.
    """
    matching = next(_settings(keyword.lower(), name, text, include, _MATCHING, 0), None)
    return matching or next(_settings(keyword.lower(), name, text, include, _ALWAYS, 0), None)


def every(keyword: str, name: str, text: str, include: Include) -> List[Setting]:
    """The values of a keyword that may be given several times, such as ListenAddress, which is in no Match block."""
    return list(_settings(keyword.lower(), name, text, include, _ALWAYS, 0))


def set_global(text: str, keyword: str, value: str) -> str:
    """The line of the keyword that counts for every connection has this value; a new one stands before the first Match.

    It follows the line that has the keyword commented out, if there is one.  Nothing else is changed.
    """
    found = lines.split(text)
    end = lines.newline(text)
    template, last, block = 0, len(found), ""
    decides: Dict[str, int] = {}  # the first line outside of Match, and the first one after Match all
    for index, line in enumerate(found):
        here = _keyword(line)
        if here == "match":
            last = min(last, index)
            block = " ".join(_arguments(line, index + 1)[0]).lower()
        elif here == keyword.lower():
            decides.setdefault(block, index)
        elif not block and not template and _commented(line, keyword):
            template = index + 1
    index = decides.get("all", decides.get("", -1))
    if index >= 0:
        arguments, start, stop = _arguments(found[index], index + 1)
        if " ".join(arguments) == value:
            return text
        head = found[index][:start]
        line = head + ("" if head[-1:] in " \t=" else " ") + value + found[index][stop:]
        return "".join(found[:index] + [line] + found[index + 1 :])
    place = template or last
    return "".join(lines.ended(found[:place], end) + [f"{keyword} {value}{end}"] + found[place:])


def _commented(line: str, keyword: str) -> bool:
    return re.match(rf"#[ \t]?{re.escape(keyword)}(?:[ \t=]|\r?\n|$)", line, re.IGNORECASE) is not None


def _settings(keyword: str, name: str, text: str, include: Include, start: str, depth: int) -> Iterator[Setting]:
    """The lines that count, in a file that is read from its start as one of the three words says."""
    if depth > _DEPTH:
        raise Malformed(f"{name} is included too deeply", "Remove the Include that leads back to it.")
    active, matched = start == _ALWAYS, False
    for number, line in enumerate(lines.split(text), 1):
        here = _keyword(line)
        if here not in ("match", "include", keyword):
            continue
        try:
            arguments, _, _ = _arguments(line, number)
        except Malformed as error:
            raise Malformed(f"{name}, {error.message}", error.hint) from None
        if here == "match":
            matched = True
            active = start != _NEVER and [argument.lower() for argument in arguments] == ["all"]
        elif here == "include":
            inside_start = _ALWAYS if active else _NEVER if matched else start
            for pattern in arguments:
                for file_name, inside in include(pattern):
                    yield from _settings(keyword, file_name, inside, include, inside_start, depth + 1)
        elif active:
            yield Setting(" ".join(arguments), name, number)


def _keyword(line: str) -> str:
    match = _LINE.match(line)
    return match.group(1).lower() if match else ""


def _arguments(line: str, number: int) -> Tuple[List[str], int, int]:
    """The arguments after the keyword, where the first begins and the last ends; at least one."""
    match = _LINE.match(line)
    place = start = stop = match.end() if match else 0
    end = len(line.rstrip(_BLANK_END))
    arguments: List[str] = []
    while place < end and line[place] != "#":
        if line[place] in " \t":
            place += 1
            continue
        argument, place = _argument(line[:end], place, number)
        arguments.append(argument)
        stop = place
    if not arguments:
        raise Malformed(f"line {number}: {_keyword(line)!r} has no value", "Give it a value or remove the line.")
    return arguments, start, stop


def _argument(line: str, place: int, number: int) -> Tuple[str, int]:
    value, quote = "", ""
    while place < len(line):
        char, following = line[place], line[place + 1 : place + 2]
        if char == "\\" and following and (following in "'\"\\" or (following == " " and not quote)):
            value += following
            place += 2
            continue
        if not quote and char in " \t":
            break
        if not quote and char in "'\"":
            quote = char
        elif char == quote:
            quote = ""
        else:
            value += char
        place += 1
    if quote:
        raise Malformed(f"line {number}: a {quote} is not closed", "Close the quote; `sshd -t` shows what sshd thinks.")
    return value, place
