"""cloud-init knows nothing of this machine, so that it treats the next boot as the first one of a new VM."""

from typing import Iterator

from ..changes import Run
from ..commands import Completed
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System
from .traces import Trace, forget, matching

# The state holds data/set-hostname, which keeps a VM that gets the old machine's name on "localhost" (WALinuxAgent
# #2184), and the seed from which users would be made again (WALinuxAgent #1945).
TRACES = (
    Trace("/var/lib/cloud/*", "cloud-init's state of this machine"),
    Trace("/var/log/cloud-init*.log", "cloud-init's log of this machine"),
)
COMMAND = ("cloud-init", "clean", "--logs", "--seed")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """/var/lib/cloud is empty, by cloud-init's own command (which runs /etc/cloud/clean.d) and then by hand."""
    guest = system.guest
    if not any(matching(guest, trace.pattern) for trace in TRACES):
        yield Fact("ok", "/var/lib/cloud is empty or not there")
        return
    if guest.which("cloud-init"):
        outputs = tuple(trace.pattern for trace in TRACES)
        yield Run((COMMAND,), outputs, "cloud-init's state and logs are this machine's own", tolerate=tolerated)
    yield from forget(guest, TRACES)
    yield Fact("ok", "/var/lib/cloud is empty")


def tolerated(done: Completed) -> str:
    """Every failure is made good by what follows; cloud-init before 17.2 has no `clean`."""
    last = next((line for line in reversed(done.tail) if line.strip()), "no output")
    return "%s ended with %d (%s): its state was removed file by file" % (" ".join(COMMAND), done.code, last)


STEP = Step(
    id="deprovision-cloud-init",
    title="cloud-init knows nothing of this machine",
    reason="cloud-init keeps what it did and for which machine in /var/lib/cloud. With that state a new VM may keep "
    "the old host name, users of the old seed come back, and modules that run once do not run again.",
    source="cloud-init clean (cloudinit/cmd/clean.py); Microsoft, 'cloud-init clean --logs --seed' in the pages of "
    "all distributions; WALinuxAgent issues 1945, 2184",
    remedy="As root: cloud-init clean --logs --seed; or, where it has no such command: rm -rf /var/lib/cloud/* "
    "/var/log/cloud-init*.log",
    changes=changes,
    one_way=True,
)
