"""SysV init: a script in /etc/init.d starts at boot by a link in the folder of the default runlevel.

Links are made as the guest's own tool makes them, each with the same number: chkconfig (Red Hat; its header's numbers,
moved behind what the script needs), or insserv (SUSE 11, Debian 6 to 8; one more than what the script needs has), which
also keeps notes in .depend.*.  insserv would count the others anew as well; that it does when it runs next.
"""

import posixpath
import re
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ..changes import Change, Link, Remove, Write
from ..errors import Blocked
from ..formats import initscript
from ..formats.initscript import Header
from ..guest import Guest

SCRIPTS = "/etc/init.d/"
FOLDERS = ("/etc/rc%s.d", "/etc/rc.d/rc%s.d", SCRIPTS + "rc%s.d")
BOOT = ("/etc/rcS.d", SCRIPTS + "boot.d")
ALL, NORMAL, STOPPING = "0123456", "2345", "016"
BESIDE = re.compile(r"(~|,|\.(rpm(save|new|orig)|dpkg-\w+|swp|bak|orig))$")  # what is beside the scripts (chkconfig)
PARALLEL = (SCRIPTS + ".depend.start", SCRIPTS + ".depend.stop")


class SysV:
    """The scripts of a guest and the links to them."""

    name = "SysV"

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    @staticmethod
    def probe(guest: Guest) -> Optional[str]:
        """/sbin/init is there, is not systemd and not upstart, and reads /etc/inittab for a runlevel."""
        level = re.search(r"(?m)^[^#:\n]*:(\d):initdefault:", guest.text("/etc/inittab") or "")
        if level is None or not guest.is_file("/sbin/init") or guest.which("initctl"):
            return None
        program = guest.canonical("/sbin/init")
        if posixpath.basename(program) != "init":  # systemd, busybox, a container's
            return None
        return "%s reads /etc/inittab, which says runlevel %s" % (program, level.group(1))

    # -- looking ---------------------------------------------------------------------------------------------
    def unit(self, names: Sequence[str]) -> Optional[str]:
        """The first of the names that is a service; a name of another kind of unit (x.swap) is none."""
        return next((_short(name) for name in names if self.known(_short(name))), None)

    def known(self, name: str) -> bool:
        return self.guest.is_file(SCRIPTS + name) and not BESIDE.search(name)

    def enabled(self, name: str) -> str:
        """The link by which the script is started in the default runlevel, or on the way to it; else ""."""
        name = _short(name)
        if not self.known(name):
            return ""
        folders = [self._folder(self.level)] + [self.guest.canonical(one) for one in BOOT]
        return next((path for folder in folders for path in self._links(folder, "S", name)), "")

    def masked(self, name: str) -> str:
        """Nothing masks a script."""
        return ""

    @property
    def level(self) -> str:
        """The default runlevel."""
        inittab = re.search(r"(?m)^[^#:\n]*:(\d):initdefault:", self.guest.text("/etc/inittab") or "")
        upstart = re.search(r"(?m)^env DEFAULT_RUNLEVEL=(\d)", self.guest.text("/etc/init/rc-sysinit.conf") or "")
        return next((match.group(1) for match in (inittab, upstart) if match), "3")

    # -- changing --------------------------------------------------------------------------------------------
    def enable(self, name: str) -> Iterator[Change]:
        name = _short(name)
        if self.enabled(name):
            return
        if not self.known(name):
            raise Blocked(
                "there is no script %s%s in the guest" % (SCRIPTS, name), "install the package that brings it"
            )
        head, why = self._header(name), "%s starts at boot" % name
        if "S" in head.default_start or "B" in head.default_start:
            raise Blocked("%s%s starts before any runlevel, and is not enabled" % (SCRIPTS, name),
                          "enable it with the guest's own tool: insserv %s" % name)  # fmt: skip
        starts, stops = self._levels(head)
        first, last = self._numbers(name, head, starts, stops)
        for level in ALL:
            folder = self._folder(level)
            start, stop = ("%s/%s%02d%s" % (folder, kind, n, name) for kind, n in (("S", first), ("K", last)))
            if level in starts:
                for path in self._links(folder, "S" if self._suse else "[SK]", name):
                    if path != start:
                        yield Remove(path, why)
                if self.guest.link(start) is None:
                    yield Link(start, self._target(folder, name), why)
            if level in stops and not self._links(folder, "K" if self._suse else "[SK]", name):
                yield Link(stop, self._target(folder, name), "%s is stopped when the machine goes down" % name)
        yield from self._noted(name, head, stops)

    def disable(self, name: str) -> Iterator[Change]:
        name, why = _short(name), "%s does not start at boot" % _short(name)
        head = self._header(name)
        last = self._numbers(name, head, NORMAL, STOPPING)[1]
        for level in NORMAL:
            folder = self._folder(level)
            found = self._links(folder, "[SK]" if self._suse else "S", name)
            for path in found:
                yield Remove(path, why)
            # A K link says that it is meant: without one, update-rc.d and chkconfig --add start it again.
            if found and self.known(name) and not self._suse and not self._links(folder, "K", name):
                yield Link("%s/K%02d%s" % (folder, last, name), self._target(folder, name), why)
        for folder in BOOT:
            for path in self._links(self.guest.canonical(folder), "S", name):
                yield Remove(path, why)

    def mask(self, name: str) -> Iterator[Change]:
        """SysV init starts nothing that no link starts."""
        yield from self.disable(name)

    # -- where links are, and their numbers ------------------------------------------------------------------
    def _folder(self, level: str) -> str:
        found = next((one % level for one in FOLDERS if self.guest.is_folder(one % level)), FOLDERS[0] % level)
        return self.guest.canonical(found)

    @property
    def _suse(self) -> bool:
        """SUSE's folders are beside the scripts, and stop links in the runlevel that is left (/etc/init.d/README)."""
        return self._folder(NORMAL[0]).startswith(SCRIPTS)

    def _target(self, folder: str, name: str) -> str:
        return ("../" if folder.startswith(SCRIPTS) else "../init.d/") + name

    def _links(self, folder: str, kind: str, name: str) -> List[str]:
        pattern = re.compile(r"%s\d\d%s$" % (kind, re.escape(name)))
        return ["%s/%s" % (folder, one) for one in self.guest.names(folder) if pattern.match(one)]

    @property
    def _by_dependencies(self) -> bool:
        return self.guest.which("insserv") is not None or self.guest.is_file(PARALLEL[0])

    def _levels(self, head: Header) -> Tuple[str, str]:
        """The runlevels in which the script is started, and in which it is stopped."""
        if self._by_dependencies and head.lsb:
            starts = "".join(head.default_start) or NORMAL
            return starts, starts if self._suse else "".join(head.default_stop)
        starts = NORMAL  # chkconfig NAME on, whatever the header says
        return starts, "".join(level for level in ALL if level not in starts)

    def _numbers(self, name: str, head: Header, starts: str, stops: str) -> Tuple[int, int]:
        headers = self._headers()
        before, after = self._needed(head.start_after, headers), self._needed(head.stop_before, headers)
        first, last = (1, 99) if self._by_dependencies else (head.start or 50, 50 if head.stop is None else head.stop)
        if head.lsb or self._by_dependencies:
            first = max([first] + [1 + number for number in self._given("S", before, starts)])
            last = min([last] + [number - 1 for number in self._given("K", after, stops)])
        if self._by_dependencies and last == 99:
            last = 1
        return min(first, 99), max(last, 1 if self._by_dependencies else 0)

    def _given(self, kind: str, names: Sequence[str], levels: str) -> List[int]:
        """The numbers that these scripts have in the runlevels."""
        found = [path for level in levels for name in names for path in self._links(self._folder(level), kind, name)]
        return [int(posixpath.basename(path)[1:3]) for path in found]

    def _needed(self, names: Sequence[str], headers: Dict[str, Header]) -> List[str]:
        """The scripts that provide these names; insserv.conf says what a $facility is, or a script's header."""
        known: Dict[str, List[str]] = {}
        for path in ["/etc/insserv.conf"] + self.guest.glob("/etc/insserv.conf.d/*"):
            for facility, members in initscript.facilities(self.guest.text(path) or "").items():
                known.setdefault(facility, []).extend(members)
        todo, seen = list(names), set()
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += known.get(name, [])
        if "$all" in seen:
            return sorted(headers)
        return sorted(one for one, head in headers.items() if one in seen or seen.intersection(head.provides))

    def _headers(self) -> Dict[str, Header]:
        names = [name for name in self.guest.names(SCRIPTS) if self.known(name) and not name.startswith(".")]
        return {name: self._header(name) for name in names}

    def _header(self, name: str) -> Header:
        return initscript.header((self.guest.text(SCRIPTS + name) or "") if self.known(name) else "")

    def _noted(self, name: str, head: Header, stops: str) -> Iterator[Change]:
        """insserv's notes list the script, without which startpar would not start it."""
        headers = self._headers()
        edits = [(PARALLEL[0], initscript.with_start, head.start_after)]
        if stops:
            edits.append((PARALLEL[1], initscript.with_stop, head.stop_before))
        for path, edit, names in edits:
            old = self.guest.text(path)
            new = None if old is None else edit(old, name, [one for one in self._needed(names, headers) if one != name])
            if new is not None and new != old:
                yield Write(path, new.encode("utf-8", "surrogateescape"), "%s is started with the others" % name)


def _short(name: str) -> str:
    return name[: -len(".service")] if name.endswith(".service") else name
