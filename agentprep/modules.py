"""What the installed kernels have of the modules that Azure needs, and what keeps those from being loaded."""

import posixpath
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

from .changes import Change, Write
from .errors import Malformed
from .formats import modprobe
from .formats.modules import Resolution, resolve
from .guest import Guest
from .kernels import Kernel

# Where modprobe looks, the first of a file's name wins (modprobe.d(5)).
FOLDERS = ("/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d")


class Lock(NamedTuple):
    """A statement of a modprobe.d file that keeps a wanted module from being loaded."""

    path: str
    module: str
    disabled: modprobe.Disabled


def resolved(guest: Guest, kernel: Kernel, names: Sequence[str]) -> Resolution:
    """What the kernel has of the modules: files, built-in, or missing; Malformed names the modules.dep."""
    try:
        return resolve(names, kernel.dependencies(guest) or b"", kernel.builtin(guest), kernel.config(guest))
    except Malformed as error:
        raise Malformed("%s/modules.dep: %s" % (kernel.modules, error.message), error.hint) from None


def files(guest: Guest) -> List[str]:
    """The modprobe.d files that count, in the order in which modprobe reads them."""
    found: Dict[str, str] = {}
    for folder in FOLDERS:
        for path in guest.glob(folder + "/*.conf"):
            found.setdefault(posixpath.basename(path), path)
    return [found[name] for name in sorted(found)]


def locks(guest: Guest, names: Sequence[str], blacklists: bool = True) -> List[Lock]:
    """Every statement that disables one of the modules; without `blacklists` only those that modprobe NAME obeys."""
    found = []
    for path in files(guest):
        for disabled in modprobe.disabled(guest.text(path) or ""):
            if disabled.how == "blacklist" and not blacklists:
                continue
            found += [Lock(path, name, disabled) for name in names if disabled.covers(name)]
    return found


def lifted(guest: Guest, found: Sequence[Lock], why: str) -> Iterator[Change]:
    """The changes after which those statements are comments; a file of /lib is overridden by a copy in /etc."""
    for path in dict.fromkeys(lock.path for lock in found):
        text = guest.text(path) or ""
        lines = {lock.disabled.line for lock in found if lock.path == path}
        new = modprobe.without_lines(text, lines).encode("utf-8", "surrogateescape")
        yield Write(posixpath.join("/etc/modprobe.d", posixpath.basename(path)), new, why)


def told(found: Sequence[Lock]) -> str:
    """The statements with their places."""
    places: List[Tuple[str, int, str]] = [(lock.path, lock.disabled.line, lock.disabled.text.strip()) for lock in found]
    return "; ".join('%s line %d says "%s"' % place for place in dict.fromkeys(places))
