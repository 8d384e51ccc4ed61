"""The options that Debian's update-grub of GRUB Legacy keeps as comments in menu.lst, and makes entries from.

    options(text)                         every Option, in the order of the file
    future(text)                          {"future": arguments, "future (recovery)": ...} of a kernel installed tomorrow
    edit(text, transform)                 text with transform(option) as the words of each option
    with_kopt(text, words)                text that has an option `kopt`, if need be in a block of its own
    of_kernel(text, version)              the words that update-grub gives to every entry of a kernel
    with_kernel(text, version, words)     text in which an option for this kernel alone says these

The reading is that of update-grub in grub-legacy 0.97-80: whole lines between the marks, compared byte by byte.
"""

import re
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from agentprep.errors import Malformed
from agentprep.formats import lines
from agentprep.formats.splice import Span, spliced

BEGIN, END = "### BEGIN AUTOMAGIC KERNELS LIST", "### END DEBIAN AUTOMAGIC KERNELS LIST"
FIRST, LAST = "## ## Start Default Options ##", "## ## End Default Options ##"
KERNEL, NORMAL, RECOVERY = "kopt", "defoptions", "altoptions"
_OPTION = re.compile(r"# (kopt(?:_[A-Za-z0-9_]+)?|defoptions|altoptions|xenkopt|xenhopt)=(.*)$")


class Option(NamedTuple):
    """An option that holds kernel arguments; `label` is what altoptions add to the title: (single-user mode)."""

    name: str
    label: str
    words: List[str]
    line: int

    @property
    def always(self) -> bool:
        """It is given to every kernel, or to every one of some version (kopt_2_6)."""
        return self.name.startswith(KERNEL)


def options(text: str) -> List[Option]:
    return [option for option, _, _ in _found(text)]


def future(text: str) -> Dict[str, List[str]]:
    """As update-grub puts them together: the plain `kopt`, with what is for normal and for recovery entries."""
    found = options(text)
    always = next((option.words for option in reversed(found) if option.name == KERNEL), [])
    told = {"future": always + next((option.words for option in reversed(found) if option.name == NORMAL), [])}
    for option in found:
        if option.name == RECOVERY:
            told.setdefault("future (recovery)", always + option.words)
    return told


def edit(text: str, transform: Callable[[Option], List[str]]) -> str:
    for option, start, spans in reversed(_found(text)):
        after = transform(option)
        if after != option.words:
            end = spans[-1][1] if spans else start
            first = " " if option.label and not spans else ""
            text = text[:start] + spliced(text, spans, option.words, after, first, lambda word: word) + text[end:]
    return text


def with_kopt(text: str, words: Sequence[str]) -> str:
    if any(option.name == KERNEL for option in options(text)):
        return text
    found = lines.split(text)
    new = ["# %s=%s\n" % (KERNEL, " ".join(words))]
    bare = [line.rstrip("\n") for line in found]
    if BEGIN not in bare:
        last = " \n" if text.endswith("\\") else "\n"  # GRUB would join the lines
        return "".join(lines.ended(found, last) + [BEGIN + "\n", FIRST + "\n"] + new + [LAST + "\n", END + "\n"])
    place = bare.index(BEGIN) + 1
    if FIRST in bare[place:]:
        place += bare[place:].index(FIRST) + 1
    else:
        new = [FIRST + "\n"] + new + [LAST + "\n"]
    return "".join(found[:place] + new + found[place:])


def of_kernel(text: str, version: str) -> List[str]:
    found = {option.name: option.words for option in options(text) if option.always}
    parts = _name(version).split("_")
    names = ["_".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((found[name] for name in names if found.get(name)), [])


def with_kernel(text: str, version: str, words: Sequence[str]) -> str:
    """Malformed for a version of which update-grub could make no name."""
    name = _name(version)
    if not re.match(r"\w+$", name, re.ASCII):
        raise Malformed("there is no option of update-grub's for kernel %s alone" % version)
    if any(option.name == name for option in options(text)):
        return edit(text, lambda option: list(words) if option.name == name else option.words)
    place = max(option.line for option in options(text) if option.always)
    found = lines.split(text)
    return "".join(found[:place] + ["# %s=%s\n" % (name, " ".join(words))] + found[place:])


def _name(version: str) -> str:
    """get_kernel_opt() of update-grub."""
    return KERNEL + "_" + re.sub(r"[-+.]", "_", re.sub(r"^\D*", "", version))


def _found(text: str) -> List[Tuple[Option, int, List[Span]]]:
    """Each option with where its words begin, and where each of them is."""
    found: List[Tuple[Option, int, List[Span]]] = []
    inside = counting = False
    place = 0
    for number, line in enumerate(lines.split(text), 1):
        bare = line.rstrip("\n")
        if bare.rstrip("\r") in (BEGIN, FIRST, LAST, END) and bare.endswith("\r"):
            raise Malformed(
                "line %d: a carriage return ends it, with which update-grub finds none of its options" % number,
                "make the lines end as they do on Unix: sed -i 's/\\r$//'",
            )
        inside = (inside or bare == BEGIN) and bare != END
        counting = inside and (counting or bare == FIRST) and bare != LAST
        match = _OPTION.match(bare)
        if match and (counting or match.group(1) == RECOVERY):  # update-grub greps those in the whole file
            found.append(_option(match, number, place))
        place += len(line)
    return found


def _option(match: "re.Match[str]", number: int, place: int) -> Tuple[Option, int, List[Span]]:
    name, value = match.groups()
    label = re.match(r"(\([^)]*\))\s|", value) if name == RECOVERY else None
    start = len(label.group(1) or "") if label else 0
    spans = [(m.start(), m.end()) for m in re.finditer(r'(?:"[^"]*"?|[^\s"])+', value[start:])]
    begin = place + match.start(2) + start
    words = [value[start:][first:last] for first, last in spans]
    option = Option(name, label.group(1) or "" if label else "", words, number)
    first = begin + (spans[0][0] if spans else 0)
    return option, first if not label or spans else begin, [(begin + a, begin + b) for a, b in spans]
