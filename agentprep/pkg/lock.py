"""The locks of package managers: who holds one, and the command that waits for it to end."""

import re
from typing import Iterator, NamedTuple, Sequence

from ..changes import Run
from ..commands import Completed
from ..errors import Blocked, CommandFailed
from ..guest import Guest
from ..live import Live

BUSY = "wait until it has ended, then run agentprep again; limits.lock is how long agentprep waits"


class Holder(NamedTuple):
    """A process that holds a lock."""

    name: str
    pid: str
    lock: str

    def __str__(self) -> str:
        return "%s (pid %s) holds %s" % self


def holders(guest: Guest, live: Live, locks: Sequence[str], pids: Sequence[str] = ()) -> Iterator[Holder]:
    """Each process that has one of the files `locks` open, or whose number stands in one of the files `pids`.

    The latter may be left over: it counts only as long as there is such a process.
    """
    seen = set()
    for lock in locks:
        match = re.match(r"(.*) \(pid (\d+)\)$", live.holder(lock) or "")
        if match and match.group(2) not in seen:
            seen.add(match.group(2))
            yield Holder(match.group(1), match.group(2), lock)
    for lock in pids:
        pid = (guest.text(lock) or "").strip() if guest.is_file(lock) else ""
        name = (guest.text("/proc/%s/comm" % pid) or "") if re.match(r"\d{1,9}$", pid) else ""
        if name and pid not in seen:
            seen.add(pid)
            yield Holder(name.strip(), pid, lock)


def waited_for(found: Iterator[Holder], seconds: int) -> Iterator[Run]:
    """Each holder has ended, after at most so many seconds."""
    for holder in found:
        if not seconds:
            raise Blocked(str(holder), BUSY)

        def too_long(done: Completed, holder: Holder = holder) -> str:
            told = "%s (pid %s) still holds %s after %d seconds" % (holder + (seconds,))
            raise CommandFailed(told, BUSY)

        argv = ("timeout", str(seconds), "tail", "--pid=" + holder.pid, "-f", "/dev/null")
        why = "%s: waiting up to %d seconds for it to end" % (holder, seconds)
        yield Run((argv,), (), why, limit=seconds + 10, tolerate=too_long)
