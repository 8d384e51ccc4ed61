"""GRUB Legacy's menu.lst and grub.conf: read as its stage 2 reads them, edited without changing any other byte.

    entries(text)                         every Entry of the menu, in its order: kernels, Xen, chain loaders and all
    edit(text, transform)                 text with transform(entry) as the kernel arguments of each entry that has some
    settings(text, name)                  the arguments of each global command of that name (before the first title)
    default(text)                         the number of the entry that is started, or None for the saved one
    with_settings(text, {name: argument}) text in which these global commands are there once each, in this order
    without_settings(text, names)         text in which these global commands are commented out

The reading is that of get_line_from_config() in stage2/stage2.c and skip_to() in stage2/cmdline.c (GRUB 0.97): carriage
returns are skipped, tabs are blanks, a backslash before a newline joins lines (of comments as well), `=` may stand for
the blank behind a command's name, and what is beyond 1500 characters is lost without a word.
"""

import re
from functools import lru_cache
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from agentprep.errors import Malformed
from agentprep.formats import cmdline, lines
from agentprep.formats.splice import Span, spliced

LINE = 1500  # NEW_HEAPSIZE in stage2/shared.h
LINUX, XEN, GRUB2, OTHER = "Linux", "Xen", "GRUB 2", "other"

_IMAGE = re.compile(r"vmlinu[xz]|bzImage|linux", re.IGNORECASE)
_MODULES = ("module", "modulenounzip")


class Entry(NamedTuple):
    """One entry; under Xen the kernel is the first module.  `device` is GRUB's, such as (hd0,0), or ""."""

    title: str
    kind: str
    device: str
    kernel: str
    arguments: List[str]
    initrds: List[str]
    line: int  # of the kernel's command, else of the title, counted from 1
    number: int  # in the menu, from 0, as `default` counts


class _Line(NamedTuple):
    """A command as GRUB has it in memory, and where each of its characters comes from."""

    number: int
    text: str
    places: Tuple[int, ...]
    size: int  # characters before the cut at LINE

    @property
    def name(self) -> str:
        return re.split(r"[ =]", self.text, maxsplit=1)[0]

    @property
    def argument(self) -> int:
        """Where the argument begins (skip_to() with after_equal)."""
        match = re.match(r"[^ =]*[ =]*", self.text)
        return match.end() if match else 0

    def span(self, start: int, end: int) -> Span:
        return self.places[start], self.places[end - 1] + 1


class _Found(NamedTuple):
    entry: Entry
    line: Optional[_Line]  # of the kernel
    file: int  # where the kernel's name ends in it
    words: Tuple[Span, ...]  # its arguments


def entries(text: str) -> List[Entry]:
    return [
        found.entry._replace(arguments=list(found.entry.arguments), initrds=list(found.entry.initrds))
        for found in _found(text)
    ]


def edit(text: str, transform: Callable[[Entry], List[str]]) -> str:
    """Arguments that stay are written as they were; Malformed, with the line, when GRUB would cut or misread them."""
    edited = text
    for entry, line, file, words in reversed(_found(text)):
        after = transform(entry) if line else entry.arguments
        if line is None or after == entry.arguments:
            continue
        spans = [line.span(*word) for word in words]
        before = line.span(0, file)[1]
        end = spans[-1][1] if spans else before
        first = text[before : spans[0][0]] if spans else " "
        source = spliced(text, spans, entry.arguments, after, first, lambda word: word)
        edited = edited[:before] + source + edited[end:]
        _prove(edited, entry, after)
    return edited


def settings(text: str, name: str) -> List[str]:
    return [line.text[line.argument :].strip(" ") for line in _globals(text) if line.name == name]


def default(text: str) -> Optional[int]:
    told = settings(text, "default")
    number = re.match(r"\d+", told[-1]) if told else None
    return int(number.group()) if number else None if told and told[-1].startswith("saved") else 0


def with_settings(text: str, wanted: Dict[str, str]) -> str:
    there = [line for line in _globals(text) if line.name in wanted]
    if [line.name for line in there] == list(wanted):
        for line in reversed(there):
            value = wanted[line.name]
            if line.text[line.argument :].strip(" ") != value:
                start = line.places[len(line.name) - 1] + 1
                text = text[:start] + " " + value + text[line.places[len(line.text.rstrip(" ")) - 1] + 1 :]
        return text
    text = without_settings(text, list(wanted))
    found = lines.split(text)
    place = _place(text)
    end = lines.newline(text)
    new = ["%s %s%s" % (name, value, end) for name, value in wanted.items()]
    last = " " + end if text.endswith("\\") else end  # which would join the lines
    return "".join(lines.ended(found[:place], last) + new + found[place:])


def without_settings(text: str, names: Sequence[str]) -> str:
    for line in reversed(_globals(text)):
        if line.name in names:
            text = text[: line.places[0]] + "#" + text[line.places[0] :]
    return text


# -- GRUB's reading ------------------------------------------------------------------------------------------
@lru_cache(maxsize=8)  # one menu is asked about many things
def _lines(text: str) -> Tuple[_Line, ...]:
    found: List[_Line] = []
    chars: List[str] = []
    places: List[int] = []
    literal = comment = False
    number = first = 1
    for place, char in enumerate(text):
        source, number = number, number + (char == "\n")
        if char == "\r":
            continue
        char = " " if char == "\t" else char
        if literal and char == "\n":
            char = " "
            del chars[-1:], places[-1:]
        literal = char == "\\"
        if comment:
            comment = char != "\n"
        elif not chars:
            comment = char == "#"
            if char not in "# \n":
                chars, places, first = [char], [place], source
        elif char == "\n":
            found.append(_line(first, chars, places))
            chars, places = [], []
        else:
            chars.append(char)
            places.append(place)
    return tuple(found + ([_line(first, chars, places)] if chars else []))


def _line(number: int, chars: List[str], places: List[int]) -> _Line:
    text = "".join(chars)[:LINE].split("\0")[0]
    return _Line(number, text, tuple(places), len(chars))


def _globals(text: str) -> List[_Line]:
    found = _lines(text)
    return list(found[: next((i for i, line in enumerate(found) if line.name == "title"), len(found))])


def _place(text: str) -> int:
    """The number of lines before which a new global command stands: those up to `timeout`, else none of GRUB's."""
    for name in ("timeout", "default"):
        found = [line for line in _globals(text) if line.name == name]
        if found:
            return text.count("\n", 0, found[-1].places[-1] + 1) + 1
    found = list(_lines(text)[:1])
    return found[0].number - 1 if found else len(lines.split(text))


@lru_cache(maxsize=8)
def _found(text: str) -> Tuple[_Found, ...]:
    found: List[_Found] = []
    title: Optional[_Line] = None
    commands: List[_Line] = []
    for line in list(_lines(text)) + [_Line(0, "title", (), 0)]:
        if line.name != "title":
            commands.append(line)
            continue
        if title is not None and commands:  # a title without a command is no entry
            found.append(_entry(title, commands, len(found)))
        title, commands = line, []
    return tuple(found)


def _entry(title: _Line, commands: List[_Line], number: int) -> _Found:
    name = title.text[title.argument :]
    kernel = next((line for line in reversed(commands) if line.name == "kernel"), None)
    modules = [line for line in commands if line.name in _MODULES]
    initrds = [line for line in commands if line.name == "initrd"][-1:]
    if kernel is None:
        return _Found(Entry(name, OTHER, "", "", [], [], title.number, number), None, 0, ())
    kind = _kind(kernel, modules)
    if kind == XEN:
        kernel, initrds = modules[0], modules[1:]
    elif modules:
        initrds = (initrds + modules)[-1:]  # to a Linux kernel a module is its initrd (module_func() in builtins.c)
    start, end = _file(kernel)
    device, path = _parted(kernel.text[start:end])
    words = tuple(_words(kernel.text, end))
    arguments = [kernel.text[first:last] for first, last in words]
    paths = [_parted(line.text[slice(*_file(line))])[1] for line in initrds]
    entry = Entry(name, kind, device, path, arguments, [path for path in paths if path], kernel.number, number)
    return _Found(entry, kernel if kind in (LINUX, XEN) else None, end, words)


def _kind(kernel: _Line, modules: List[_Line]) -> str:
    start, end = _file(kernel)
    name = kernel.text[start:end].rpartition("/")[2]
    if _IMAGE.match(name) or (not modules and re.search(r" root=\S", kernel.text[end:])):
        return LINUX
    if name == "core.img":
        return GRUB2
    return XEN if modules else OTHER


def _file(line: _Line) -> Span:
    """Where the name of the file is, behind options such as --no-mem-option and --type=linux (kernel_func())."""
    options = re.match(r"(?:--\S* +)*", line.text[line.argument :])
    start = line.argument + (options.end() if options else 0)
    end = line.text.find(" ", start)
    return start, len(line.text) if end < 0 else end


def _parted(path: str) -> Tuple[str, str]:
    match = re.match(r"(\([^)]*\))(.*)$", path, re.DOTALL)
    return (match.group(1), match.group(2)) if match else ("", path)


def _words(text: str, start: int) -> List[Span]:
    """Where the kernel's arguments are: the kernel's own quotes protect blanks."""
    found, first, quoted = [], -1, False
    for place in range(start, len(text) + 1):
        blank = place == len(text) or (text[place] in " \v\f" and not quoted)
        if blank and first >= 0:
            found.append((first, place))
            first = -1
        elif not blank:
            first = place if first < 0 else first
            quoted ^= text[place] == '"'
    return found


def _prove(text: str, entry: Entry, wanted: List[str]) -> None:
    made = [found for found in _found(text) if found.entry.number == entry.number]
    size = max((found.line.size for found in made if found.line), default=0)
    if size > LINE:
        raise Malformed(
            "line %d: the entry %r would be %d characters long, and GRUB Legacy cuts it at %d"
            % (entry.line, entry.title, size, LINE),
            "shorten its kernel arguments by hand",
        )
    if [found.entry.arguments for found in made] != [wanted]:
        cmdline.join(wanted)  # tells which quote is open
        raise Malformed("line %d: GRUB Legacy would not read the new arguments as they are meant" % entry.line,
                        "write them there by hand: %s" % " ".join(wanted))  # fmt: skip
