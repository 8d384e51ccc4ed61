"""What modprobe.d files and kernel arguments disable.

The grammar is that of kmod's libkmod-config.c (30), compared in the tests with what ``modprobe -c`` says: a name ends
at a blank or tab, ``#`` starts a comment in the first column only, a backslash before a newline joins lines (those of
a comment too), and ``-`` is ``_`` outside of brackets.  kmod keeps a carriage return, so ``blacklist udf`` in a CRLF
file disables nothing.
"""

import fnmatch
import re
import shlex
from typing import Container, Iterable, Iterator, List, NamedTuple, Set

from agentprep.formats import cmdline
from agentprep.formats.modules import normalised

LIFTED = "# agentprep: "

# One statement with its continuation lines; a backslash protects whatever follows it.
_STATEMENT = re.compile(r"((?:[^\\\n]|\\[\s\S]|\\\Z)*)(?:\n|\Z)")
_ESCAPE = re.compile(r"\\(?:\n|([\s\S]))")
_WORDS = re.compile(r"[ \t]*([a-z]+)[ \t]+([^ \t]+)(?:[ \t](.*))?", re.DOTALL)
_COMMANDS = {"alias", "blacklist", "install", "options", "remove", "softdep", "weakdep"}

_INERT = {":", "true", "false", "nologin", "null", "exit"}
_REMARKS = {"echo", "printf", "logger"}

_ARGUMENTS = {
    "modprobe.blacklist": "kmod",
    "module_blacklist": "the kernel, kernel/module/main.c",
    "rd.driver.blacklist": "dracut",
    "rdblacklist": "dracut before 008",
    "blacklist": "initramfs-tools, init-top/blacklist",
}
# The functions that initcall_blacklist= names, as nm shows them in linux-image-6.1.0-56-amd64.
_INITCALLS = {
    "cdrom_init": "cdrom",
    "floppy_module_init": "floppy",
    "hv_acpi_init": "hv_vmbus",
    "hv_kbd_init": "hyperv_keyboard",
    "init_balloon_drv": "hv_balloon",
    "init_hv_pci_drv": "pci_hyperv",
    "init_hyperv_utils": "hv_utils",
    "init_iso9660_fs": "isofs",
    "init_sd": "sd_mod",
    "init_sr": "sr_mod",
    "init_udf_fs": "udf",
    "init_vfat_fs": "vfat",
    "mousevsc_init": "hid_hyperv",
    "netvsc_drv_init": "hv_netvsc",
    "nvme_core_init": "nvme_core",
    "nvme_init": "nvme",
    "storvsc_drv_init": "hv_storvsc",
}


class Statement(NamedTuple):
    """One statement that kmod accepts, ``options`` and the like included."""

    line: int  # its first line, from 1
    lines: int  # how many lines it takes
    command: str
    name: str  # a module or, but for blacklist, a pattern; with underscores
    rest: str  # what follows the blank after the name
    text: str  # the whole, its lines joined


class Disabled(NamedTuple):
    """A statement that keeps a module from being loaded."""

    name: str
    line: int
    how: str  # "blacklist", "install" or "alias"
    text: str

    def covers(self, module: str) -> bool:
        """True for the modules that this statement disables; install and alias take patterns, blacklist does not."""
        if self.how == "blacklist":
            return normalised(module) == self.name
        return _matches(normalised(module), self.name)


def statements(text: str) -> Iterator[Statement]:
    """Every statement that kmod accepts, in order; like kmod, it passes over lines that it does not understand."""
    line = 1
    for match in _STATEMENT.finditer(text):
        lines = match.group(1).count("\n") + 1
        whole = _ESCAPE.sub(lambda escape: escape.group(1) or "", match.group(1))
        words = _WORDS.match(whole)
        if words and _accepted(words.group(1), words.group(3) or ""):
            yield Statement(line, lines, words.group(1), _underscored(words.group(2)), words.group(3) or "", whole)
        line += lines


def disabled(text: str) -> List[Disabled]:
    """Every statement that keeps a module from being loaded.

    ``blacklist X``; ``alias X off``; ``install X COMMAND`` whose command loads nothing: true, false, nologin, ``:``,
    /dev/null or exit, perhaps after an echo.  Other commands may well load the module and are not judged.  No
    ``options`` disable a module for kmod.
    """
    return [Disabled(s.name, s.line, s.command, s.text) for s in statements(text) if _disables(s)]


def without_lines(text: str, lines: Container[int]) -> str:
    """The statements on these lines (numbers from 1) are comments; every other byte is the same.

    Each line of such a statement gets LIFTED in front, so taking that away again gives the old text back.
    """
    pieces = text.split("\n")
    for statement in statements(text):
        span = range(statement.line, statement.line + statement.lines)
        if any(number in lines for number in span):
            for number in span:
                if number < len(pieces) or pieces[-1]:
                    pieces[number - 1] = LIFTED + pieces[number - 1]
    return "\n".join(pieces)


def floppy(text: str) -> bool:
    """True when Microsoft's own test of the floppy module passes with these files, joined in modprobe's order.

    LISA runs ``modprobe -nv floppy``: an ``install`` command must be /bin/true, of which the first counts; without
    one, ``blacklist floppy`` has to be there so that the module is not loaded.
    """
    found = list(statements(text))
    for statement in found:
        if statement.command == "install" and _matches("floppy", statement.name):
            return re.match(r"/bin/true([ \t]|$)", statement.rest) is not None
    return any(statement.command == "blacklist" and statement.name == "floppy" for statement in found)


def disabled_by_arguments(arguments: Iterable[str]) -> Set[str]:
    """The modules, as ``normalised`` gives them, that these kernel arguments keep from being loaded or started."""
    names: Set[str] = set()
    for argument in arguments:
        listed = (cmdline.value(argument) or "").split(",")
        if cmdline.key(argument) in _ARGUMENTS:
            names.update(normalised(name) for name in listed if name)
        elif cmdline.key(argument) == "initcall_blacklist":
            names.update(_INITCALLS[name] for name in listed if name in _INITCALLS)
    return names


def _accepted(command: str, rest: str) -> bool:
    if command == "alias":
        return bool(rest.strip(" \t"))
    return command == "blacklist" or bool(command in _COMMANDS and rest)


def _underscored(name: str) -> str:
    return re.sub(r"\[[^\]]*\]|-", lambda match: "_" if match.group() == "-" else match.group(), name)


def _matches(name: str, pattern: str) -> bool:
    try:
        return fnmatch.fnmatchcase(name, pattern.replace("[^", "[!"))
    except re.error:  # a range like [z-a], which Python before 3.9 refuses and fnmatch(3) never matches
        return False


def _disables(statement: Statement) -> bool:
    if statement.command == "blacklist":
        return True
    if statement.command == "alias":
        return statement.rest.split()[:1] == ["off"]
    return statement.command == "install" and _loads_nothing(statement.rest)


def _loads_nothing(command: str) -> bool:
    """Whether every simple command of a shell command line is known to load no module, and one of them ends it."""
    if "`" in command:
        return False
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.wordchars += ":"
    try:
        words = list(lexer)
    except ValueError:  # a quote without its end
        return False
    heads = set()
    at_head, at_file = True, False
    for word in words:
        if word and set(word) <= set("();<>|&"):
            at_file = word.endswith((">", "<", ">&", "<&"))
            at_head = at_head or not at_file
        elif at_file:
            at_file = False
        elif at_head:
            heads.add(word.rpartition("/")[2])
            at_head = False
    return not words or bool(heads & _INERT) and heads <= _INERT | _REMARKS
