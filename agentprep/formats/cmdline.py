"""The kernel command line as the kernel itself reads it (next_arg() in lib/cmdline.c).

    split(text)  join(arguments)          text <-> whole arguments, quotes kept in place
    key(argument)  value(argument)        what the kernel sees of one argument, without the quotes
    values(arguments, name)               every value that a name is given, in order
    matches(argument, pattern)            "name" (with any value) or "name=value" (exactly that)
    without(arguments, patterns)          the unwanted ones gone
    merge(arguments, add, remove)         ... and the wanted ones there, each once
    size(arguments)  LIMIT                bytes with the final NUL, and how many fit

Arguments after a lone ``--`` belong to init: nothing here matches or touches them.
"""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from agentprep.errors import Malformed

# COMMAND_LINE_SIZE of x86_64 and arm64 (asm/setup.h), the final NUL included.
LIMIT = 2048

# isspace() in ASCII.  str.isspace() would also split at U+00A0 and U+2028, which are text to the kernel.
_BLANKS = " \t\n\v\f\r"

Slot = Tuple[str, str]


class _Halves(NamedTuple):
    kernel: List[str]
    init: List[str]  # starts with the "--"; empty without one


def split(text: str) -> List[str]:
    """The arguments of a command line: blanks separate, double quotes protect blanks, nothing else is special."""
    arguments, word, quoted = [], "", False
    for char in text:
        if char in _BLANKS and not quoted:
            if word:
                arguments.append(word)
            word = ""
            continue
        quoted ^= char == '"'
        word += char
    return arguments + [word] if word else arguments


def join(arguments: Sequence[str]) -> str:
    """A command line that splits into these arguments again; Malformed where an open quote would swallow the next."""
    text = " ".join(arguments)
    if split(text) != list(arguments):
        raise _open_quote(arguments)
    return text


def key(argument: str) -> str:
    """The name that the kernel looks up; ``-`` and ``_`` are the same to it (parameq() in kernel/params.c)."""
    return _parsed(argument)[0].replace("-", "_")


def value(argument: str) -> Optional[str]:
    """What follows the first ``=``, without its quotes; None where there is no ``=``."""
    return _parsed(argument)[1]


def values(arguments: Sequence[str], name: str) -> List[Optional[str]]:
    """The values of every argument of this name, in order; a flag without a value gives None."""
    return [value(argument) for argument in _halves(arguments).kernel if key(argument) == key(name)]


def matches(argument: str, pattern: str) -> bool:
    """True for the whole argument only: ``quiet`` is not ``quiet_boot``, ``console=tty`` not ``console=tty,9600``."""
    return key(argument) == key(pattern) and value(pattern) in (None, value(argument))


def without(arguments: Sequence[str], patterns: Sequence[str]) -> List[str]:
    """No argument of the kernel's matches a pattern; the others are there in their order."""
    kernel, init = _halves(arguments)
    return [a for a in kernel if not any(matches(a, pattern) for pattern in patterns)] + init


def merge(arguments: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> List[str]:
    """Each of ``add`` is there exactly once, nothing of ``remove`` is, the others are untouched and in their order.

    An argument of a name in ``add`` gives its place to it (what is wanted beats what is unwanted); a new one goes to
    the end, before a ``--``.  ``console=`` differs: those of other devices stay, and ours come last, because the last
    one becomes /dev/console (kernel's admin-guide/serial-console.rst).  The arguments may be words of a boot loader's
    own quoting, such as ``acpi_osi='Windows 2012'``: they are compared and kept as they are.
    """
    wanted = _slots(add)
    kernel, init = _halves(arguments)
    kept = [a for a in kernel if _slot(a) in wanted or not any(matches(a, pattern) for pattern in remove)]
    for name in _names(wanted):
        if name == "console":
            kept = _with_consoles(kept, [new for slot, new in wanted.items() if slot[0] == name])
        else:
            kept = _replaced(kept, (name, ""), wanted[name, ""])
    merged = kept + init
    if merged != list(arguments) and any(argument.count('"') % 2 for argument in merged[:-1]):
        raise _open_quote(merged)
    return merged


def size(arguments: Sequence[str]) -> int:
    """Bytes that the command line takes, the final NUL included; compare it with LIMIT."""
    return len(" ".join(arguments).encode("utf-8", "surrogateescape")) + 1


def _open_quote(arguments: Sequence[str]) -> Malformed:
    return Malformed(
        f"the kernel arguments {' '.join(arguments)!r} do not stay apart: a quote is not closed, or a blank not quoted",
        "Close the quote in the boot loader's configuration by hand, then try again.",
    )


def _parsed(argument: str) -> Tuple[str, Optional[str]]:
    if argument.startswith('"'):
        argument = argument[1:-1] if argument.endswith('"') else argument[1:]
    equals = argument.find("=", 1)  # the kernel takes a leading "=" as part of the name
    if equals < 0:
        return argument, None
    given = argument[equals + 1 :]
    if given.startswith('"'):
        given = given[1:-1] if given.endswith('"') else given[1:]
    return argument[:equals], given


def _seen(arguments: Sequence[str]) -> List[Tuple[str, Optional[str]]]:
    return [(key(argument), value(argument)) for argument in arguments]


def _halves(arguments: Sequence[str]) -> _Halves:
    for index, argument in enumerate(arguments):
        if _parsed(argument) == ("--", None):
            return _Halves(list(arguments[:index]), list(arguments[index:]))
    return _Halves(list(arguments), [])


def _slot(argument: str) -> Slot:
    """What two arguments cannot both have: the name, and for a console its device too."""
    name = key(argument)
    return name, (value(argument) or "").split(",")[0] if name == "console" else ""


def _slots(add: Sequence[str]) -> Dict[Slot, List[str]]:
    slots: Dict[Slot, List[str]] = {}
    for argument in add:
        if split(argument) != [argument] or _halves([argument]).init or argument.count('"') % 2:
            raise Malformed(f"{argument!r} is not one kernel argument", "Quote its blanks with double quotes.")
        slot = _slot(argument)
        if slot[0] == "console":
            slots.pop(slot, None)  # a later specification of the same device takes over, and comes later
        if argument not in slots.setdefault(slot, []):
            slots[slot].append(argument)
    return slots


def _names(wanted: Dict[Slot, List[str]]) -> List[str]:
    names: List[str] = []
    for name, _ in wanted:
        if name not in names:
            names.append(name)
    return names


def _replaced(arguments: List[str], slot: Slot, new: List[str]) -> List[str]:
    """``new`` stands where the first of this slot stood, or at the end; no other of this slot is left."""
    old = [a for a in arguments if _slot(a) == slot]
    if _seen(old) == _seen(new):
        return arguments
    place = next((i for i, a in enumerate(arguments) if _slot(a) == slot), len(arguments))
    rest = [a for a in arguments[place:] if _slot(a) != slot]
    return arguments[:place] + new + rest


def _with_consoles(arguments: List[str], groups: List[List[str]]) -> List[str]:
    new = [argument for group in groups for argument in group]
    ours = {_slot(argument) for argument in new}
    consoles = [a for a in arguments if key(a) == "console"]
    others = [a for a in consoles if _slot(a) not in ours]
    if _seen(consoles) == _seen(others + new):
        return arguments
    last_other = max((i for i, a in enumerate(arguments) if a in others), default=-1)
    free = [i for i, a in enumerate(arguments) if _slot(a) in ours and i > last_other]
    place = free[0] if free else len(arguments)
    before = [a for a in arguments[:place] if _slot(a) not in ours]
    return before + new + [a for a in arguments[place:] if _slot(a) not in ours]
