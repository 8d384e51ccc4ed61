"""Kernel arguments as kernel-install keeps them in /etc/kernel/cmdline, and as systemd-boot reads them in its entries.

    in_file(text)      edited_file(text, transform)       /etc/kernel/cmdline: lines, and comments with a leading #
    in_entry(text)     edited_entry(text, transform)      every ``options`` line of an entry of type 1, in their order

Both are the kernel's own quoting, and an edit leaves the bytes of every line whose arguments stay.  Sources:
90-loaderentry.install of systemd 257 (252 knows no comments), create_boot_options() in sdbootutil, and
line_get_key_value() in src/boot/efi-string.c of systemd 258, which also takes a pair of quotes around a value away.
"""

from typing import Callable, List

from agentprep.errors import Malformed
from agentprep.formats import bls, cmdline, lines

Transform = Callable[[List[str]], List[str]]


def in_file(text: str) -> List[str]:
    return cmdline.split(" ".join(line.rstrip("\n") for line in lines.split(text) if not _is_comment(line)))


def edited_file(text: str, transform: Transform) -> str:
    """The text with other arguments: those that are new stand in the last line that has any."""
    old = in_file(text)
    new = transform(list(old))
    if new == old:
        return text
    found = lines.split(text)
    numbers = [index for index, line in enumerate(found) if line.strip() and not _is_comment(line)]
    shares = _shared([cmdline.split(found[index]) for index in numbers], new)
    if sum((cmdline.split(found[index]) for index in numbers), []) != old:  # a quote is open across lines
        shares = [new] + [[] for _ in numbers[1:]]
    if not numbers:
        found = lines.ended(found, "\n") + [cmdline.join(new) + "\n"]
    for index, share in zip(numbers, shares):
        if share != cmdline.split(found[index]):
            end = lines.ending(found[index])
            found[index] = cmdline.join(share) + end if share else ""
    return _proven("".join(found), in_file("".join(found)), new)


def in_entry(text: str) -> List[str]:
    return cmdline.split(" ".join(_unquoted(field.value) for field in _options(text)))


def edited_entry(text: str, transform: Transform) -> str:
    """The text with other arguments: those that are new stand in the last ``options`` line."""
    old = in_entry(text)
    new = transform(list(old))
    if new == old:
        return text
    fields = _options(text)
    if not fields:
        made = bls.added(text, "options", _quoted(cmdline.join(new)))
        return _proven(made, in_entry(made), new)
    words = [cmdline.split(_unquoted(field.value)) for field in fields]
    shares = _shared(words, new) if sum(words, []) == old else [new] + [[] for _ in fields[1:]]
    changed = [(field, share) for field, share, had in zip(fields, shares, words) if share != had]
    text = bls.replaced(text, {field: _quoted(cmdline.join(share)) for field, share in changed if share})
    empty = [field.line for field, share in changed if not share]
    made = "".join(line for number, line in enumerate(lines.split(text), 1) if number not in empty)
    return _proven(made, in_entry(made), new)


def _shared(old: List[List[str]], new: List[str]) -> List[List[str]]:
    """The new arguments, shared out so that each stays in the line that had it, as far as their order allows."""
    shares, left = [], list(new)
    for had in old[:-1]:
        share = []
        while left and left[0] in had:
            share.append(left.pop(0))
        shares.append(share)
    return shares + [left] if old else []


def _options(text: str) -> List[bls.Field]:
    return [field for field in bls.fields(text) if field.key == "options"]


def _unquoted(value: str) -> str:
    value = value.strip(" \t")
    return value[1:-1] if value[:1] in ("'", '"') and value[:1] == value[-1:] else value


def _quoted(value: str) -> str:
    return '"%s"' % value if _unquoted(value) != value else value


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _proven(text: str, read: List[str], wanted: List[str]) -> str:
    if read != wanted:
        raise Malformed(
            "the arguments %r cannot be written so that they are read as such" % " ".join(wanted),
            "Write them on one line by hand, with every quote closed, then try again.",
        )
    return text
