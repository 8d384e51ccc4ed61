"""Kernel entries of GRUB 2's configuration files: generated ones are read, hand-written ones can be edited.

    entries(text)                         every Entry that boots a kernel, submenus included; memtest is none
    edit(text, transform)                 text with transform(entry) as the arguments of each entry
    reads_entries(text)                   True if ``blscfg`` makes the menu from /boot/loader/entries
    stub(text)                            the Stub, if this file does nothing but load another one (as on an ESP)

Arguments are those that the kernel gets, quoted as GRUB's loader quotes them: ``acpi_osi='Windows 2012'`` arrives as
``"acpi_osi=Windows 2012"``.  GRUB's own variables (``$vt_handoff``, ``$kernelopts``) stay as they are written.
"""

import re
from functools import lru_cache
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from agentprep.formats.grubscript import Command, Word, commands, quoted
from agentprep.formats.splice import spliced

_KERNEL = re.compile(r"linux(16|efi)?$")
_INITRD = re.compile(r"initrd(16|efi)?$")
_HYPERVISOR = re.compile(r"multiboot2?$|xen_hypervisor$")
_MODULE = re.compile(r"module2?$|xen_module$")
_OF_ENTRIES = re.compile("|".join(one.pattern for one in (_KERNEL, _INITRD, _HYPERVISOR, _MODULE)))
_RECOVERY = frozenset(["single", "recovery", "rescue", "systemd.unit=rescue.target"])


class Entry(NamedTuple):
    """One kernel with its arguments; under Xen it is the first module that the hypervisor gets."""

    title: str
    kernel: str
    arguments: List[str]
    initrds: List[str]
    line: int  # of the kernel's command, counted from 1
    command: str  # linux, linux16, linuxefi; multiboot2 and the like under Xen
    submenu: str  # the titles of the submenus around it, joined with ">"; empty at the top
    recovery: bool

    @property
    def xen(self) -> bool:
        return bool(_HYPERVISOR.match(self.command))


class Stub(NamedTuple):
    """A file that only redirects: ``path`` is in the file system with that ``uuid`` (empty: not said)."""

    path: str
    uuid: str


Found = Tuple[Entry, Word, List[Word]]  # the entry, the word of its kernel (or placeholder), its arguments' words


def entries(text: str) -> List[Entry]:
    """The entries that boot a kernel, in the order of the file; Malformed, with the line, for an open quote."""
    return [
        entry._replace(arguments=list(entry.arguments), initrds=list(entry.initrds)) for entry, _, _ in _found(text)
    ]


def edit(text: str, transform: Callable[[Entry], List[str]]) -> str:
    """The text in which each entry has the arguments that ``transform`` gives back.

    Arguments that stay are written as they were, and no byte outside of the arguments is changed.
    """
    for entry, before, words in reversed(_found(text)):
        after = transform(entry)
        if after != entry.arguments:
            end = words[-1].end if words else before.end
            text = text[: before.end] + _spliced(text, entry, after, before, words) + text[end:]
    return text


def reads_entries(text: str) -> bool:
    """True if the menu is made of Boot Loader Specification entries."""
    return any(command.name == "blscfg" for command in commands(text))


def stub(text: str) -> Optional[Stub]:
    """Where the file leads, if it has no menu of its own and its last command loads a grub.cfg; else None."""
    variables: Dict[str, str] = {}
    uuid, there, path = "", "", None
    for command in commands(text):
        values = [word.value for word in command.words]
        if command.name in ("menuentry", "blscfg") or _KERNEL.match(command.name):
            return None
        if command.name == "set" and "=" in values[-1]:
            name, value = values[-1].split("=", 1)
            variables[name] = _expanded(value, variables)
        elif command.name == "search.fs_uuid" and len(values) > 1:
            uuid = values[1]
        elif command.name == "search" and ("--fs-uuid" in values or "-u" in values):
            uuid = ([value for value in values[1:] if not value.startswith("-")] or [""])[-1]
        elif command.name == "search" and ("--file" in values or "-f" in values):
            there = values[-1]
        elif command.name in ("configfile", "source", ".") and len(values) > 1:
            path = _expanded(values[1], variables)  # SUSE's is sourced, so that the environment stays
        elif command.name == "normal":  # SLES 12's: it reads $prefix/grub.cfg
            path = _expanded("$prefix/grub.cfg", variables)
    if path is None or not path.endswith("/grub.cfg"):
        return None
    return Stub(there if path.startswith("$") and there else re.sub(r"^\([^)]*\)", "", path), uuid)


@lru_cache(maxsize=8)  # one grub.cfg is asked about many things
def _found(text: str) -> Tuple[Found, ...]:
    found: List[Found] = []
    menu: Optional[Command] = None
    hypervisor, kernel = "", False  # of this menu entry, so far
    for command in commands(text):
        if not _OF_ENTRIES.match(command.name):
            continue
        around = next((block for block in reversed(command.blocks) if block.name == "menuentry"), None)
        if around is not menu:
            menu, hypervisor, kernel = around, "", False
        paths = [word for word in command.words[1:] if not word.value.startswith("--")]
        if not paths:
            continue
        if _HYPERVISOR.match(command.name):
            hypervisor, kernel = command.name, False
        elif _KERNEL.match(command.name) or (hypervisor and not kernel and _MODULE.match(command.name)):
            # Debian's memtest86+ 6 starts with "linux" too.
            kernel = not re.search(r"(^|/)memtest[^/]*$", paths[0].value)
            found += [_entry(command, menu, paths[0], hypervisor or command.name)] if kernel else []
        elif kernel and (_INITRD.match(command.name) or _MODULE.match(command.name)):
            found[-1][0].initrds.extend(word.value for word in (paths[:1] if hypervisor else paths))
    return tuple(found)


def _entry(command: Command, menu: Optional[Command], kernel: Word, name: str) -> Found:
    words = [word for word in command.words if word.start >= kernel.end and word.value]
    before = kernel
    if _HYPERVISOR.match(name) and words and words[0].value == "placeholder":
        before = words.pop(0)  # the loader takes it for the file's name (20_linux_xen of GRUB 2.06)
    arguments = [_as_loaded(word.value) for word in words]
    about = [word.value for word in menu.words] if menu else []
    titles = [block.words[1].value for block in command.blocks if block.name == "submenu" and len(block.words) > 1]
    recovery = bool(_RECOVERY.intersection(arguments)) or any("-recovery-" in word for word in about[2:])
    title = about[1] if len(about) > 1 else ""
    return Entry(title, kernel.value, arguments, [], command.line, name, ">".join(titles), recovery), before, words


def _as_loaded(value: str) -> str:
    """What grub_create_loader_cmdline() in grub-core/lib/cmdline.c makes of an argument."""
    escaped = re.sub(r"([\\'\"])", r"\\\1", value)
    return f'"{escaped}"' if " " in value else escaped


def _spliced(text: str, entry: Entry, after: List[str], before: Word, words: List[Word]) -> str:
    spans = [(word.start, word.end) for word in words]
    first = text[before.end : words[0].start] if words else " "
    return spliced(text, spans, entry.arguments, after, first, lambda word: quoted(word.replace('"', "")))


def _expanded(value: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda m: variables.get(m.group(1) or m.group(2), m.group()), value)
