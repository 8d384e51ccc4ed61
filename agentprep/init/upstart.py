"""upstart: jobs in /etc/init start by their `start on`, and scripts of SysV init by their links (Ubuntu 14.04, RHEL 6).

A job counts, not the script of its name beside it: such scripts leave everything to the job (init_is_upstart() in
lsb-base 4.1).  A stanza `manual` takes back the `start on` before it, and a file .override is read after its job
(init(5)); upstart 0.6.5 of RHEL 6 knows neither.
"""

import posixpath
import re
from typing import Iterator, Optional

from ..changes import Change, Remove, Write
from ..errors import Blocked
from ..guest import Guest
from .sysv import SysV, _short

JOBS = "/etc/init/"
STANZA = re.compile(r"(?m)^[ \t]*(manual|start[ \t]+on)\b")
MANUAL = re.compile(r"(?m)^[ \t]*manual[ \t]*(#.*)?\n?")
RUNNERS = (JOBS + "rc.conf", JOBS + "rc-sysinit.conf")  # the jobs that start the scripts of SysV init


class Upstart(SysV):
    """The jobs of a guest, and its scripts."""

    name = "upstart"

    @staticmethod
    def probe(guest: Guest) -> Optional[str]:
        """/sbin/init is there and not systemd, its tool is beside it, and it has the job that runs SysV's scripts."""
        runner = next((path for path in RUNNERS if guest.is_file(path)), None)
        tool = guest.which("initctl")
        program = guest.canonical("/sbin/init")
        if runner is None or tool is None or not guest.is_file(program):
            return None
        if posixpath.basename(program) not in ("init", "upstart"):
            return None
        return "%s and %s are there, and %s runs the scripts" % (program, tool, runner)

    def known(self, name: str) -> bool:
        return self._job(name) or super().known(name)

    def enabled(self, name: str) -> str:
        name = _short(name)
        if not self._job(name):
            return super().enabled(name)
        path, last = JOBS + name + ".conf", ""
        for text in (self.guest.text(path), self.guest.text(JOBS + name + ".override")):
            for match in STANZA.finditer(text or ""):
                last = match.group(1)
        return path if last.startswith("start") else ""

    def masked(self, name: str) -> str:
        """The override that does nothing but keep the job from starting."""
        path = JOBS + _short(name) + ".override"
        text = self.guest.text(path)
        return path if text and MANUAL.search(text) and not MANUAL.sub("", text).strip() else ""

    def enable(self, name: str) -> Iterator[Change]:
        name = _short(name)
        if not self._job(name):
            yield from super().enable(name)
            return
        if self.enabled(name):
            return
        override, why = JOBS + name + ".override", "%s starts at boot" % name
        mask = self.masked(name)
        if mask:
            yield Remove(mask, why)
        elif MANUAL.search(self.guest.text(override) or ""):
            text = MANUAL.sub("", self.guest.text(override) or "")
            yield Write(override, text.encode("utf-8", "surrogateescape"), why)
        if not self.enabled(name):
            raise Blocked("%s%s.conf says no `start on`, or takes it back" % (JOBS, name),
                          "write there what the job is to start on, such as: start on runlevel [2345]")  # fmt: skip

    def disable(self, name: str) -> Iterator[Change]:
        name = _short(name)
        if not self._job(name):
            yield from super().disable(name)
            return
        if not self.enabled(name):
            return
        if b".override" not in (self.guest.read("/sbin/init") or b""):
            raise Blocked("%s%s.conf: this upstart reads no override files" % (JOBS, name),
                          "take the `start on` out of the job")  # fmt: skip
        path = JOBS + name + ".override"
        text = self.guest.text(path) or ""
        end = "" if text.endswith("\n") or not text else "\n"
        new = text + end + "manual\n"
        yield Write(path, new.encode("utf-8", "surrogateescape"), "%s does not start at boot" % name)

    def _job(self, name: str) -> bool:
        return self.guest.is_file(JOBS + name + ".conf")
