"""The configuration of dracut: /etc/dracut.conf and drop-ins, which dracut sources as bash, one after the other.

Drop-ins are those of /etc/dracut.conf.d and, where that has none of the same name, of /usr/lib/dracut/dracut.conf.d, in
the order of sort -V (dropindirs_sort in dracut.sh, 033 to 111).  What cannot be known without bash is None here:
whether a module is missing is judged by what is in the image, never by this alone.
"""

import posixpath
import re
from typing import Iterator, List, Optional, Sequence, Tuple

from ..changes import Change, Write
from ..errors import Malformed
from ..formats import shelledit, shellvars
from ..formats.modules import normalised
from ..guest import Guest

MAIN = "/etc/dracut.conf"
OWN, VENDOR = "/etc/dracut.conf.d", "/usr/lib/dracut/dracut.conf.d"
TEXT = """# Written by agentprep: what an initrd needs to find Azure's disk, network and keyboard.
# The names are in front of all others: dracut drops what follows the first that a kernel does not have.
add_drivers+=" "
add_drivers=" %s $add_drivers "
"""


class Configuration:
    """What dracut reads before it builds an image; with `folders` false it is too old for drop-ins."""

    def __init__(self, guest: Guest, folders: bool = True) -> None:
        self.guest, self.folders = guest, folders
        names = {posixpath.basename(path) for folder in (OWN, VENDOR) for path in guest.glob(folder + "/*.conf")}
        found = [MAIN]
        for name in sorted(names, key=order) if folders else ():
            found.append(next(path for path in (OWN + "/" + name, VENDOR + "/" + name) if guest.exists(path)))
        self.paths = [path for path in found if guest.is_file(path)]

    def scripts(self) -> List[shellvars.Script]:
        """The files, parsed; Malformed names the one that bash could not read either, or only bash can."""
        found = []
        for path in self.paths:
            try:
                found.append(shellvars.Script(self.guest.text(path) or "", path))
            except Malformed as error:
                raise Malformed("%s, %s" % (path, error.message), error.hint) from None
        return found

    def value(self, name: str) -> Optional[str]:
        """The variable after all files were sourced, "" when none sets it; None when only bash can tell."""
        try:
            return shellvars.evaluate(self.scripts(), name) or ""
        except Malformed:
            return None

    def words(self, name: str) -> Optional[List[str]]:
        value = self.value(name)
        return None if value is None else value.split()

    def last(self) -> str:
        """The path of what is read last: a drop-in, or the only file of a dracut that knows no drop-ins."""
        if not self.folders:
            return MAIN
        others = [posixpath.basename(path) for path in self.paths if path != MAIN]
        for name in ["zz-agentprep.conf", "zz_agentprep.conf"] + ["_" * n + "agentprep.conf" for n in range(1, 40)]:
            if all(order(other) <= order(name) for other in others):
                return "%s/%s" % (OWN, name)
        raise Malformed("%s has a drop-in that sorts behind any other" % OWN, "rename it: ls %s" % OWN)

    def without(self, name: str, unwanted: Sequence[str], why: str) -> Iterator[Change]:
        """The changes after which those words are not in the variable; a file of /usr is overridden by one in /etc."""
        try:
            scripts = self.scripts()
        except Malformed:
            return
        for script in scripts:
            text = script.text
            for place in reversed([one for one in script.assignments if one.name == name]):
                parsed = shellvars.Script(text, script.name)
                one = next(other for other in parsed.assignments if other.start == place.start)
                try:
                    text = shelledit.edit_words(parsed, one, lambda words: [w for w in words if w not in unwanted])
                except Malformed:
                    continue
            if text != script.text:
                path = script.name.replace(VENDOR, OWN)
                yield Write(path, text.encode("utf-8", "surrogateescape"), why)


Key = List[Tuple[List[int], int]]


def order(name: str) -> Tuple[Key, Key, str]:
    """A key that sorts file names as sort -V does: numbers by value, letters before other signs, endings last."""
    stem = re.sub(r"(\.[A-Za-z~][A-Za-z0-9~]*)+$", "", name)
    return _pieces(stem), _pieces(name), name


def _pieces(text: str) -> Key:
    return [
        ([_rank(sign) for sign in word] + [0], int(number or 0)) for word, number in re.findall(r"(\D*)(\d*)", text)
    ]


def _rank(sign: str) -> int:
    if sign == "~":
        return -1
    return ord(sign) if sign.isalpha() else ord(sign) + 256


def omitting(words: Sequence[str], files: Sequence[str], kept: Sequence[str]) -> List[str]:
    """The words of omit_drivers that keep one of the module files out.

    A word is an extended regular expression that is looked for in the module's name and in its path below the
    kernel's folder (install_kmod_with_fw in 033 and 044, dracut-install -N since 049; from 057 on it must match
    the whole).  One that is, as it stands, the name of a driver that is added counts for nothing (dracut.sh).
    """
    found = []
    for word in words:
        if normalised(word) in kept:
            continue
        try:
            pattern = re.compile(word)
        except re.error:
            continue
        if any(pattern.search(text) for path in files for text in (path, normalised(path), posixpath.basename(path))):
            found.append(word)
    return found
