"""yum 3, of RHEL 6 and 7 and of Amazon Linux 2."""

from typing import Iterator, Sequence, Tuple

from ..changes import Change, Remove, Run, Write
from ..commands import Completed
from .rpm import Order, Rpm
from .words import failure

SCRIPT = "/var/tmp/agentprep.yum"


class Yum(Rpm):
    """The package manager of RHEL before 8."""

    name = "yum"
    pids = ("/var/run/yum.pid",)  # yum, cli.py: doLock

    def words(self, program: str, verb: str, removes: Sequence[str]) -> Tuple[str, ...]:
        return ("-y", verb)

    def new(self, order: Order, packages: Tuple[str, ...], removes: Sequence[str]) -> Iterator[Change]:
        """The packages are installed, which is asked of rpm: yum ends well when it found only some of them.

        What has to go goes in the same transaction: taken away before, NetworkManager would take the network with it
        that is needed to download the rest.  Only `yum shell` can do that, and it ends well whatever happened; so what
        is to be installed is looked for first.
        """
        if removes:
            lines = ["remove " + name for name in removes] + ["install " + " ".join(packages), "run", ""]
            for name in packages:  # of several, yum is content with one
                yield order.run((order.program, "-y", "list", "available", name), (name,))
            yield Write(SCRIPT, "\n".join(lines).encode(), order.why, 0o600)
            yield order.run((order.program, "-y", "shell", SCRIPT), packages)
            yield Remove(SCRIPT, order.why)
        else:
            yield from super().new(order, packages, removes)
        yield self._settled(order, packages)

    def _settled(self, order: Order, packages: Tuple[str, ...]) -> Run:
        def missing(done: Completed) -> str:
            told = Completed((order.program,), 1, b"", tuple("No package %s available" % line for line in done.tail))
            raise failure(told, packages, order.repository)

        return Run((("rpm", "-q") + packages,), (), order.why, tolerate=missing)
