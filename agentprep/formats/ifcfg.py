"""ifcfg files and their kin below /etc/sysconfig: shell assignments, which not only shells read.

    values(text, name)                    {key: value} after sourcing, without values that only a shell can know
    with_values(text, written, name)      text in which each key stands once, as `key=written`; a new one ends the text
    without(text, keys, name)             text in which the assignments of these keys are comments

NetworkManager's ifcfg-rh plugin and wicked have parsers of their own, and Microsoft's tests look for the very bytes
(BOOTPROTO=dhcp, DHCLIENT_SET_HOSTNAME="no"): so the source of a value is given, not the value.  Malformed for what
cannot be edited for sure: an assignment on a condition, or with something else on its line.
"""

import re
from typing import Collection, Dict, List, Mapping, Tuple

from agentprep.formats import lines as lines_
from agentprep.formats.sections import LIFTED
from agentprep.formats.shellvars import Assignment, Script, known


def values(text: str, name: str = "") -> Dict[str, str]:
    """What the keys are once a shell has sourced the text."""
    return known([Script(text, name)])


def with_values(text: str, written: Mapping[str, str], name: str = "") -> str:
    """Each key stands in the text exactly once, with that source; every other line is the same bytes."""
    for key, source in written.items():
        script = Script(text, name)
        found = _assignments(script, (key,))
        if not found:
            end = lines_.newline(text)
            text = "".join(lines_.ended(lines_.split(text), end)) + "%s=%s%s" % (key, source, end)
            continue
        for one in reversed(found[:-1]):
            first, last = _span(script, one)
            text = text[:first] + text[last:]
        gone = len(script.text) - len(text)  # all of it stood before the last one
        start, end_ = found[-1].start - gone, _end(script, found[-1]) - gone
        text = text[:start] + "%s=%s" % (key, source) + text[end_:]
    return text


def without(text: str, keys: Collection[str], name: str = "") -> str:
    """The lines that assign one of the keys are comments that say who made them so."""
    script = Script(text, name)
    for one in reversed(_assignments(script, keys)):
        first, last = _span(script, one)
        text = text[:first] + "".join(LIFTED + line for line in lines_.split(text[first:last])) + text[last:]
    return text


def _assignments(script: Script, keys: Collection[str]) -> List[Assignment]:
    found = [one for one in script.assignments if one.name in keys]
    for one in found:
        if not one.certain:
            raise script.unknown(one.line, "%s is assigned on a condition" % one.name)
    return found


def _span(script: Script, one: Assignment) -> Tuple[int, int]:
    """Where the lines of an assignment begin and end."""
    text, end = script.text, _end(script, one)
    first = text.rfind("\n", 0, one.start) + 1
    last = text.find("\n", end) + 1 or len(text)
    before, after = text[first : one.start], text[end:last]
    if not re.fullmatch(r"[ \t]*(?:export[ \t]+)?", before) or not re.fullmatch(r"[ \t]*(?:#.*)?\r?\n?", after):
        raise script.unknown(one.line, "there is more here than the assignment of %s" % one.name)
    return first, last


def _end(script: Script, one: Assignment) -> int:
    """Where the value ends, without the CR of a CRLF."""
    ends_line = script.text[one.end : one.end + 1] in ("", "\n")
    return one.end - 1 if ends_line and script.text[one.value_start : one.end].endswith("\r") else one.end
