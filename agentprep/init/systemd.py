"""systemd: units are enabled, disabled and masked by links, as systemctl does it, but without a running systemd."""

import posixpath
import re
from typing import Iterator, List, Optional, Sequence

from ..changes import Change, Link, Remove
from ..errors import Blocked
from ..formats import sections
from ..guest import Guest

# systemd.unit(5), the load path of the system manager without what is made anew at every boot.
ETC = "/etc/systemd/system"
FOLDERS = (ETC, "/usr/local/lib/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")
TYPES = (".service", ".socket", ".timer", ".target", ".swap", ".mount", ".path")
# Targets that are not on the way to a normal boot (systemd.special(7)).
ASIDE = re.compile(r"^(rescue|emergency|halt|poweroff|reboot|kexec|shutdown|final|sleep|suspend|hibernate|hybrid-sleep|"
                   r"suspend-then-hibernate|exit|ctrl-alt-del|initrd.*)\.")  # fmt: skip
LEVELS = "2345"


class Systemd:
    """The init system of all but the oldest guests."""

    name = "systemd"

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    @staticmethod
    def probe(guest: Guest) -> Optional[str]:
        """Evidence: /sbin/init is systemd, or systemd is there and nothing else is /sbin/init."""
        for program in ("/lib/systemd/systemd", "/usr/lib/systemd/systemd"):
            if not guest.is_file(program):
                continue
            if guest.canonical("/sbin/init") == guest.canonical(program):
                return "/sbin/init is %s" % guest.canonical(program)
            if not guest.exists("/sbin/init"):
                return "%s is there and there is no other init" % program
        return None

    def unit(self, names: Sequence[str]) -> Optional[str]:
        """The first of the names that is a unit (an alias is told by the name of what it leads to) or a SysV script."""
        for name in names:
            path = self._file(_full(name))
            if path is not None:
                return _short(posixpath.basename(self.guest.canonical(path)))
            if self.guest.is_file("/etc/init.d/" + name):
                return name
        return None

    def enabled(self, name: str) -> str:
        """The link by which the unit (or its socket) starts at boot, or "" when nothing starts it."""
        unit = _full(name)
        if self.masked(unit):
            return ""
        for one in [unit] + ([_short(unit) + ".socket"] if unit.endswith(".service") else []):
            links = self._wants(one) if self._file(one) is not None and not self.masked(one) else []
            if links:
                return links[0]
        return next(iter(self._levels(unit, "S")), "") if self._file(unit) is None else ""

    def enable(self, name: str) -> Iterator[Change]:
        """The unit starts at boot: not masked, and linked as its [Install] section says.

        Raises Blocked when there is no such unit, or when it has no [Install] section.
        """
        if self.enabled(name):
            return
        unit, why = _full(name), "%s starts at boot" % _short(name)
        mask = self.masked(unit)
        if mask:
            yield Remove(mask, "%s is masked" % unit)
        path = self._file(unit)
        if path is None and self.guest.is_file("/etc/init.d/" + _short(unit)):
            yield from self._enable_script(_short(unit), why)
            return
        if path is None:
            raise Blocked("there is no unit %s in the guest" % unit, "install the package that brings it")
        yield from self._install(unit, path, why, [])
        if not self.enabled(name):
            raise Blocked("%s cannot be enabled: it has no [Install] section" % path, "see: systemctl cat %s" % unit)

    def disable(self, name: str) -> Iterator[Change]:
        """Nothing in /etc starts the unit or calls it by another name."""
        unit = _full(name)
        for path in self.guest.glob(ETC + "/*") + self.guest.glob(ETC + "/*.*/" + unit):
            target = self.guest.link(path)
            if target and posixpath.basename(target) == unit and path != posixpath.join(ETC, unit):
                yield Remove(path, "%s does not start at boot" % unit)
        for path in self._levels(unit, "S"):
            yield Remove(path, "%s does not start at boot" % unit)

    def mask(self, name: str) -> Iterator[Change]:
        """The unit cannot be started, by whatever wants it; raises Blocked when the unit's own file is in /etc."""
        path = posixpath.join(ETC, _full(name))
        if self.masked(_full(name)) == path:
            return
        if self.guest.is_file(path) and self.guest.link(path) is None:
            raise Blocked("%s is a file: it cannot be masked" % path, "remove it: rm %s" % path)
        yield Link(path, "/dev/null", "%s is masked" % _full(name))

    # -- the [Install] section -------------------------------------------------------------------------------
    def _install(self, unit: str, path: str, why: str, done: List[str]) -> Iterator[Change]:
        done.append(unit)
        text = self.guest.text(path) or ""
        for key, ending in (("WantedBy", "wants"), ("RequiredBy", "requires")):
            for target in sections.words(text, "Install", key):
                yield from self._linked("%s/%s.%s/%s" % (ETC, target, ending, unit), path, why)
        for alias in sections.words(text, "Install", "Alias"):
            yield from self._linked("%s/%s" % (ETC, alias), path, why)
        for other in sections.words(text, "Install", "Also"):
            file = self._file(other)
            if file is not None and other not in done and not self.masked(other):
                yield from self._install(other, file, why, done)

    def _linked(self, path: str, target: str, why: str) -> Iterator[Change]:
        if "%" in path or self.guest.canonical(path) == self.guest.canonical(target):
            return
        if self.guest.exists(path) and self.guest.link(path) is None:
            return  # a file of that name is the administrator's own unit: systemctl refuses as well
        yield Link(path, target, why)

    def _enable_script(self, name: str, why: str) -> Iterator[Change]:
        for path in self._levels(name, "K"):
            yield Remove(path, why)
        for level in LEVELS:
            yield Link("/etc/rc%s.d/S01%s" % (level, name), "../init.d/" + name, why)

    # -- looking ---------------------------------------------------------------------------------------------
    def _file(self, unit: str) -> Optional[str]:
        """The file that defines the unit; a mask defines none."""
        for folder in FOLDERS:
            path = posixpath.join(folder, unit)
            if self.guest.is_file(path):
                return path
        return None

    def masked(self, unit: str) -> str:
        """The link that masks the unit, or "": a link to /dev/null, or an empty file, is a mask (systemd.unit(5))."""
        for folder in FOLDERS:
            path = posixpath.join(folder, unit)
            if self.guest.link(path) is not None and self.guest.canonical(path) == "/dev/null":
                return path
            found = self.guest.stat(path)
            if found is not None:
                return "" if found.st_size else path
        return ""

    def _wants(self, unit: str) -> List[str]:
        links = [path for folder in FOLDERS for kind in ("wants", "requires")
                 for path in self.guest.glob("%s/*.%s/%s" % (folder, kind, unit))]  # fmt: skip
        return [path for path in links if not ASIDE.match(path.split("/")[-2])]

    def _levels(self, unit: str, kind: str) -> List[str]:
        return self.guest.glob("/etc/rc[%sS].d/%s[0-9][0-9]%s" % (LEVELS, kind, _short(unit)))


def _full(name: str) -> str:
    return name if name.endswith(TYPES) else name + ".service"


def _short(name: str) -> str:
    return name[: -len(".service")] if name.endswith(".service") else name
