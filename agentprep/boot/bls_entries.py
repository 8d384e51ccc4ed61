"""The entries in /boot/loader/entries and the variables that they use, as GRUB's blscfg sees them.

loaded(guest)                         every Entry that starts a kernel, newest first
environments(guest, config)           the files with GRUB's environment block; the one that the loader reads comes first
variables(guest, config)              {name: value} as they are once grub.cfg has run
given(entry, variables)               what the entry's kernel gets
arguments(value, variables)           what a kernel would get whose entry has this value as its options
with_arguments(entry, variables, add, remove)   the entry's new text
"""

import posixpath
import re
from typing import Dict, List, Mapping, NamedTuple, Sequence

from ..errors import Blocked, Malformed
from ..formats import bls, cmdline, grubenv, grubscript
from ..formats.versions import rpm_key
from ..guest import Guest
from ..kernels import NO_KERNEL

FOLDER = "/boot/loader/entries"
SHARED, DEFAULT = "kernelopts", "default_kernelopts"


class Entry(NamedTuple):
    """A file of the folder, as far as GRUB reads it."""

    path: str
    text: str
    title: str
    kernel: str
    initrds: List[str]
    options: List[bls.Field]  # GRUB uses the first

    @property
    def rescue(self) -> bool:
        """Fedora's and RHEL's rescue kernel, whose image and initrd are those of the installation."""
        return bool(NO_KERNEL.search(posixpath.basename(self.kernel)))

    @property
    def value(self) -> str:
        return self.options[0].value if self.options else ""


def loaded(guest: Guest) -> List[Entry]:
    found: List[Entry] = guest.once("entries", lambda: _loaded(guest))
    return found


def _loaded(guest: Guest) -> List[Entry]:
    found = []
    for path in guest.glob(FOLDER + "/*.conf"):
        text = guest.text(path)
        fields = bls.loaded(text or "")
        given = {key: [field.value for field in fields if field.key == key] for key in ("title", "linux", "initrd")}
        if text is not None and given["linux"]:
            options = [field for field in bls.fields(text) if field.key == "options"]
            read = [field for field in options if field in fields]
            title = (given["title"] or given["linux"])[0]
            initrds = [word for value in given["initrd"] for word in value.split()]
            ordered = read + [field for field in options if field not in read] if read else []
            found.append(Entry(path, text, title.strip(), given["linux"][0].strip(), initrds, ordered))
    return sorted(found, key=lambda one: rpm_key(posixpath.basename(one.path)[:-5]), reverse=True)


def environments(guest: Guest, config: str) -> List[str]:
    """00_header has grubenv loaded from beside grub.cfg, else from $prefix; grub2-editenv writes to that of /boot."""
    folders = (posixpath.dirname(config), "/boot/grub2", "/boot/grub")
    paths = [folder + "/grubenv" for folder in folders if guest.is_file(folder + "/grubenv")]
    return list(dict.fromkeys(map(guest.canonical, paths)))


def block(guest: Guest, path: str) -> Dict[str, str]:
    try:
        return grubenv.values(guest.read(path) or b"")
    except Malformed as error:
        raise Blocked("%s: %s" % (path, error.message), error.hint) from None


def variables(guest: Guest, config: str) -> Dict[str, str]:
    found: Dict[str, str] = {}
    for path in environments(guest, config)[:1]:
        found.update(block(guest, path))
    for name, value, fallback in assignments(guest.text(config) or ""):
        if not (fallback and found.get(name)):
            found[name] = value
    return found


def assignments(text: str) -> List[Sequence[str]]:
    """(name, value, whether only an empty variable gets it) of each `set` outside of the menu's entries."""
    found: List[Sequence[str]] = []
    tested = ""
    for command in grubscript.commands(text.replace("\r", "")):
        words = [word.value for word in command.words]
        if words[:2] == ["[", "-z"] and len(words) > 2:
            tested = words[2].strip("${}")
        elif words[0] == "set" and len(words) > 1 and "=" in words[1] and not command.blocks:
            name, value = words[1].split("=", 1)
            found.append((name, value, "fallback" if name == tested else ""))
        elif words[0] == "fi":
            tested = ""
    return found


def given(one: Entry, known: Mapping[str, str]) -> List[str]:
    try:
        return arguments(one.value, known)
    except Malformed as error:
        raise Blocked("%s: %s" % (one.path, error.message), error.hint) from None


def arguments(value: str, known: Mapping[str, str]) -> List[str]:
    """What the kernel gets; where the entry's own options leave nothing, default_kernelopts (Red Hat's GRUB 2.02)."""
    return bls.words(bls.expanded(value, known)) or bls.words(bls.expanded(known.get(DEFAULT, ""), known))


def with_arguments(one: Entry, known: Mapping[str, str], add: Sequence[str], remove: Sequence[str]) -> str:
    """The entry's text after which its kernel gets all of `add` and nothing of `remove`, given these variables.

    Variables in the options stay; systemd-boot, which would read the further `options` lines too, finds nothing
    unwanted there.  Raises Blocked when a variable stands in the way.
    """
    gone = list(remove) + sorted({cmdline.key(argument) for argument in add})
    values: Dict[bls.Field, str] = {}

    def merged(words: List[str]) -> List[str]:
        return cmdline.merge(words, add, remove)

    def cleared(words: List[str]) -> List[str]:
        return cmdline.without(words, gone)

    try:
        for field in one.options[1:]:
            values[field] = bls.edited(field.value, cleared)
        now = arguments(one.value, known)
        if merged(now) != now and one.options:
            shared = any(re.match(r"\$%s\b" % SHARED, word) for word in bls.words(one.value))
            values[one.options[0]] = bls.edited(one.value, cleared if shared else merged)
            now = arguments(values[one.options[0]], known)
        right = merged(now) == now
    except Malformed as error:
        raise Blocked("%s, line %d: %s" % (one.path, one.options[0].line, error.message), error.hint) from None
    if not right:
        raise Blocked(
            "%s: its kernel would get %r, which no edit there makes right" % (one.path, " ".join(now)),
            "see what its variables give with: grub2-editenv list; write the options without them",
        )
    return bls.replaced(one.text, values)
